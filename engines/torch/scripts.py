"""What a bare session needs so that a program of the suite runs in it as it stands."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Final

import torch

from . import inspection

_PLACES: Final = (
    *("torch", "torch.autograd", "torch.nn.functional", "torch.autograd.grad_mode", "torch.autograd.graph"),
    *("torch.autograd.function", "torch.autograd.anomaly_mode", "torch.nn", "torch.optim", "torch.nn.utils"),
    *("torch.utils.checkpoint", "copy", "collections"),
)
"""Where PyTorch's users import words from: the first place that has one."""
_ELSEWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("relu", "prelu", "celu", "selu", "rrelu", "threshold", "dropout"), "torch.nn.functional"),
    **dict.fromkeys(("cosine_similarity", "pairwise_distance", "layer_norm", "batch_norm"), "torch.nn.functional"),
    **dict.fromkeys(("embedding", "embedding_bag", "ctc_loss", "hinge_embedding_loss"), "torch.nn.functional"),
    **dict.fromkeys(("margin_ranking_loss", "kl_div", "hardshrink", "softmax", "log_softmax"), "torch.nn.functional"),
    **dict.fromkeys(("binary_cross_entropy_with_logits", "avg_pool1d", "max_pool1d"), "torch.nn.functional"),
    **dict.fromkeys(("group_norm", "instance_norm", "rms_norm"), "torch.nn.functional"),
    **dict.fromkeys(("cosine_embedding_loss", "triplet_margin_loss", "poisson_nll_loss"), "torch.nn.functional"),
    "Node": "torch.autograd.graph",
    "vmap": "torch.func",
}
"""Words that other places have as well, meant for others than users or with other keywords."""
_SPACES: Final[Mapping[str, str]] = {
    **{space: f"torch.{space}" for space in ("func", "linalg", "special", "fft")},
    **{space: f"torch.autograd.{space}" for space in ("functional", "forward_ad")},
    "parametrize": "torch.nn.utils.parametrize",
}
_RENAMED: Final[Mapping[str, tuple[str, str]]] = {
    "parametrize.weight_norm": ("torch.nn.utils.parametrizations", "weight_norm"),
}


def origin(word: str) -> tuple[str, str] | None:
    """The module and the name under which PyTorch's users import a word; None where this release has none."""
    space, _, name = word.rpartition(".")
    places: tuple[str, ...] = (_ELSEWHERE[word],) if word in _ELSEWHERE else _PLACES
    if word in _RENAMED:
        places, name = (_RENAMED[word][0],), _RENAMED[word][1]
    elif space:
        places = (_SPACES[space],)
    return next(((place, name) for place in places if _has(place, name)), None)


def _has(place: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(place), name)
    except ModuleNotFoundError:  # torch.func is new in 2.0
        return False


def preamble(words: list[str], device: torch.device) -> str:
    """Imports and helpers that give ``words`` the meaning they have in the suite."""
    helpers = [word for word in words if word in inspection.WORDS]
    origins: dict[str, list[str]] = {}
    spaces: dict[str, str] = {}
    renamed: list[str] = []
    for word in words:
        found = None if word in helpers or word == "repr" else origin(word)
        if found is None:
            continue
        place, name = found
        space = word.rpartition(".")[0]
        if space:
            spaces[space] = _SPACES[space]
            if word in _RENAMED:
                renamed.append(f"{word} = importlib.import_module({place!r}).{name}")
        else:
            origins.setdefault(place, []).append(name)
    lines = ["import importlib"] if renamed else []
    lines += ["import re", "import threading", "import torch"] if helpers else []
    lines += [f"from {place} import {', '.join(found)}" for place, found in sorted(origins.items())]
    lines += [f"import {place} as {space}" for space, place in sorted(spaces.items())]
    lines += renamed
    if device.type != "cpu":
        lines += ["import torch", f"torch.set_default_device({str(device)!r})"]
    needed = [inspection.node_name, *(getattr(inspection, word) for word in helpers)] if helpers else []
    return "\n".join(lines) + "\n" + "".join(f"\n\n{inspect.getsource(function)}" for function in needed)
