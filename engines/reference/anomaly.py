"""Anomaly mode: which operation is to blame for an error or a NaN in the reverse pass.

Keeps torch.autograd.detect_anomaly and set_detect_anomaly. While the mode is on,

- every node that is recorded remembers where in the program that happened;
- a reverse pass looks at what every node produces (`_watched`). NaN is an error that names the node, unless ``check_nan`` is
  off. This and any other error comes with a warning that shows where the node was recorded, if that is known.

Infinities are not NaN, and what a hook on a leaf makes of a gradient is nobody's product.
"""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from . import graph
from .errors import AutogradError, warn
from .function import FunctionNode
from .graph import Node
from .levels import Level, enter, leave
from .record import Operation, Options
from .tensor import Tensor

_places: weakref.WeakKeyDictionary[Node, str] = weakref.WeakKeyDictionary()
"""Where nodes were recorded, as the text of a traceback."""


class _Remembering(Level):
    """The part of the mode that concerns the forward pass. No transformation, but told of every operation like one."""

    is_transform = False

    def executed(self, operation: Operation, operands: Sequence[Any], options: Options, result: Tensor) -> None:
        _remember(result._node)

    def called(self, context: FunctionNode, arguments: Sequence[Any], outputs: Sequence[Any]) -> None:
        _remember(context)

    def writing(
        self, target: Tensor, operation: Operation, others: tuple[Any, ...], options: Options
    ) -> Callable[[], None] | None:
        return lambda: _remember(target.grad_fn)


def _remember(node: Node | None) -> None:
    if node is not None and node not in _places:
        _places[node] = "".join(traceback.format_stack()[:-3])


_level: _Remembering | None = None
_checks_nan = True


def is_anomaly_enabled() -> bool:
    return _level is not None


def is_anomaly_check_nan_enabled() -> bool:
    return _checks_nan


def switch(mode: bool, check_nan: bool = True) -> None:
    global _level, _checks_nan
    if mode and _level is None:
        _level = _Remembering()
        enter(_level)
    elif not mode and _level is not None:
        leave(_level)
        _level = None
    _checks_nan = check_nan
    graph.watch = _watched if mode else None


def _watched(node: Node, gradients: list[Tensor | None], wanted: Collection[Node] | None) -> Sequence[Tensor | None]:
    """What ``node`` produces, looked at."""
    try:
        produced = node.backward(gradients, wanted)
        for position, gradient in enumerate(produced):
            if _checks_nan and gradient is not None and bool(np.isnan(gradient._array).any()):
                raise AutogradError(
                    "nan-in-backward", f"Function '{node.name()}' returned nan values in its {position}th output."
                )
    except Exception:
        place = _places.get(node)
        if place is None:
            warn(
                "anomaly-no-traceback",
                f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during "
                "forward pass for more information.",
                depth=4,
            )
        else:
            warn(
                "anomaly-traceback",
                f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{place}",
                depth=4,
            )
        raise
    return produced


class set_detect_anomaly:
    """Switches at once when called; as a context it restores what it found."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = (is_anomaly_enabled(), _checks_nan)
        switch(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        switch(*self.previous)


class detect_anomaly:
    """``with detect_anomaly():`` the mode for a block, with a warning that it is slow."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warn(
            "anomaly-enabled",
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
        )

    def __enter__(self) -> None:
        self.previous = (is_anomaly_enabled(), _checks_nan)
        switch(True, self.check_nan)

    def __exit__(self, *exception: object) -> None:
        switch(*self.previous)
