"""What a bare session needs so that a program of the suite runs in it as it stands."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Final

import torch

from . import inspection

ORIGINS: Final[Mapping[str, str]] = {
    "Variable": "torch.autograd",
    "Parameter": "torch.nn",
    "Linear": "torch.nn",
    "SGD": "torch.optim",
    "Function": "torch.autograd",
    "backward": "torch.autograd",
    "grad": "torch.autograd",
    "relu": "torch.nn.functional",
    "mse_loss": "torch.nn.functional",
    "binary_cross_entropy_with_logits": "torch.nn.functional",
}
"""Words that PyTorch's users do not import from ``torch`` itself."""


def preamble(words: list[str], device: torch.device) -> str:
    """Imports and helpers that give ``words`` the meaning they have in the suite."""
    helpers = [word for word in words if word in inspection.WORDS]
    origins: dict[str, list[str]] = {}
    for word in words:
        if word not in helpers and word != "repr":
            origins.setdefault(ORIGINS.get(word, "torch"), []).append(word)
    lines = ["import re", "import torch"] if helpers else []
    lines += [f"from {origin} import {', '.join(found)}" for origin, found in sorted(origins.items())]
    if device.type != "cpu":
        lines += ["import torch", f"torch.set_default_device({str(device)!r})"]
    needed = [inspection.node_name, *(getattr(inspection, word) for word in helpers)] if helpers else []
    return "\n".join(lines) + "\n" + "".join(f"\n\n{inspect.getsource(function)}" for function in needed)
