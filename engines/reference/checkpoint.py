"""Checkpointing: computing saved values a second time instead of keeping them.

Keeps torch.utils.checkpoint. ``checkpoint(f, *args)`` is ``f(*args)``, but nothing that the operations inside save is
kept. It is built on saved-tensor hooks (packing.py): in place of a value, ``pack`` leaves a `_Holder`, a note that this
was the n-th value to be saved. When a reverse pass asks for the first of them, the function runs again (`_Region.recompute`),
and what its operations save this time is what the first time's operations get, n-th for n-th.

- Every reverse pass computes anew, and a value is handed out once. If nothing was saved, the function does not run again;
  if everything needed is there, it is stopped (``early_stop``).
- Both runs must save alike: as many tensors, of the same shapes and dtypes. Other *values* go unnoticed. Therefore the
  random state of the first run is put back for the second.
- The other variant (``use_reentrant=True``) is a custom function around `f`: its backward runs ``f`` again, recorded, and
  starts a reverse pass inside of the reverse pass. As that one accumulates into all leaves, it cannot serve `grad`.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from . import autograd, random_numbers
from .errors import AutogradError, AutogradValueError, warn
from .function import Function
from .graph import Node
from .modes import enable_grad, mode
from .packing import saved_tensors_hooks
from .saved import Saved
from .tensor import Tensor
from .trees import as_tuple

Contexts = Callable[[], tuple[contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]]]


def _no_contexts() -> tuple[contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]]:
    return contextlib.nullcontext(), contextlib.nullcontext()


_early_stop: bool | None = None


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Whether checkpoints made in here stop to compute again when they have all values."""
    global _early_stop
    previous, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = previous


class CheckpointError(AutogradError):
    def __init__(self, text: str) -> None:
        super().__init__("recompute-mismatch", f"torch.utils.checkpoint: {text}")


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Contexts = _no_contexts,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)``, whose saved values are computed again when they are needed."""
    if use_reentrant is None:
        warn(
            "unspecified-variant",
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, "
            "calling checkpoint without use_reentrant will raise an exception. use_reentrant=False is recommended, but if "
            "you need to preserve the current default behavior, you can pass use_reentrant=True.",
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise AutogradValueError("invalid-argument", f"Unexpected keyword arguments: {','.join(kwargs)}")
        return _reentrant(function, args, preserve_rng_state)
    if determinism_check not in ("default", "none"):
        raise AutogradValueError(
            "invalid-argument",
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}",
        )
    forward_context, recompute_context = context_fn()
    with forward_context:
        if not mode.recording:
            return function(*args, **kwargs)
        region = _Region(
            lambda: function(*args, **kwargs),
            [Saved(x) for x in args if isinstance(x, Tensor)],
            recompute_context,
            early_stop if _early_stop is None else _early_stop,
            determinism_check == "default",
            preserve_rng_state,
        )
        with saved_tensors_hooks(region.pack, region.unpack):
            return function(*args, **kwargs)


class _Holder:
    """What is kept of a saved value: which one it was, and what it was like."""

    def __init__(self, number: int, tensor: Tensor) -> None:
        self.number = number
        self.metadata = (tensor.shape, tensor.dtype)


class _Enough(Exception):
    """All values are there."""


class _Region:
    """One checkpointed call."""

    def __init__(
        self,
        run: Callable[[], Any],
        arguments: Sequence[Saved],
        context: contextlib.AbstractContextManager[Any],
        early_stop: bool,
        checks_metadata: bool,
        preserves_random_state: bool,
    ) -> None:
        self.run = run
        self.arguments = arguments
        self.context = context
        self.early_stop = early_stop
        self.checks_metadata = checks_metadata
        self.random_state = random_numbers.state() if preserves_random_state else None
        self.holders: list[_Holder] = []
        self.recomputed: weakref.WeakKeyDictionary[Any, dict[int, Tensor]] = weakref.WeakKeyDictionary()
        """By reverse pass: the values that are there and have not been handed out."""

    def pack(self, tensor: Tensor) -> _Holder:
        holder = _Holder(len(self.holders), tensor)
        self.holders.append(holder)
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        reverse_pass = mode.reverse_pass or _OUTSIDE
        if reverse_pass not in self.recomputed:
            self.recomputed[reverse_pass] = self.recompute()
        values = self.recomputed[reverse_pass]
        if holder.number not in values:
            raise CheckpointError(
                "Unpack is being triggered for a tensor that was either never recomputed, or already unpacked once. If "
                "you are calling ctx.saved_tensors in backward, make sure to do so only once."
            )
        value = values.pop(holder.number)
        if reverse_pass is _OUTSIDE and not values:
            del self.recomputed[reverse_pass]
        return value

    def recompute(self) -> dict[int, Tensor]:
        values: list[Tensor] = []

        def keep(tensor: Tensor) -> None:
            if len(values) == len(self.holders):
                raise CheckpointError(
                    "trying to save more tensors during recomputation than during the original forward pass."
                )
            values.append(tensor.detach())
            if self.early_stop and len(values) == len(self.holders):
                raise _Enough

        for argument in self.arguments:
            argument.unpack(
                _NOBODY
            )  # an argument that was written since is no longer what the function was called with
        hooks = saved_tensors_hooks(keep, _never)
        with self.context, _drawing_again(self.random_state), enable_grad(), contextlib.suppress(_Enough), hooks:
            self.run()
        self._check(values)
        return dict(enumerate(values))

    def _check(self, values: Sequence[Tensor]) -> None:
        if len(values) != len(self.holders):
            raise CheckpointError(
                "A different number of tensors was saved during the original forward and recomputation.\n"
                f"Number of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {len(values)}"
            )
        different = [
            f"tensor at position {holder.number}: saved {holder.metadata}, recomputed {(value.shape, value.dtype)}"
            for holder, value in zip(self.holders, values, strict=True)
            if holder.metadata != (value.shape, value.dtype)
        ]
        if different and self.checks_metadata:
            raise CheckpointError(
                "Recomputed values for the following tensors have different metadata than during the forward pass.\n"
                + "\n".join(different)
            )


@contextlib.contextmanager
def _drawing_again(state: Any) -> Iterator[None]:
    """A second run draws what the first did, whose random state this is; None if it need not."""
    if state is None:
        yield
        return
    present = random_numbers.state()
    random_numbers.put_back(state)
    try:
        yield
    finally:
        random_numbers.put_back(present)


def _never(value: Any) -> Any:
    raise AssertionError("nothing is differentiated through a recomputation")


class _Outside:
    """Stands for a reverse pass where somebody looks at saved values without one."""


_OUTSIDE = _Outside()
_NOBODY = Node((), ())


# -- the reentrant variant ---------------------------------------------------------------------------------------------


class _Checkpointed(Function):
    @staticmethod
    def forward(ctx: Any, run: Callable[..., Any], preserve_rng_state: bool, *args: Any) -> Any:
        ctx.run = run
        ctx.random_state = random_numbers.state() if preserve_rng_state else None
        ctx.plain = [None if isinstance(x, Tensor) else x for x in args]
        ctx.save_for_backward(*(x if isinstance(x, Tensor) else None for x in args))
        return run(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if mode.reverse_pass is not None and mode.reverse_pass.is_restricted:
            raise AutogradError(
                "recompute-api",
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument.",
            )
        inputs = [
            plain if saved is None else saved.detach().requires_grad_(saved.requires_grad)
            for plain, saved in zip(ctx.plain, ctx.saved_tensors, strict=True)
        ]
        with _drawing_again(ctx.random_state), enable_grad():
            outputs = as_tuple(ctx.run(*inputs))
        tracked = [(y, g) for y, g in zip(outputs, gradients, strict=True) if isinstance(y, Tensor) and y.requires_grad]
        if not tracked:
            raise AutogradError(
                "recompute-pointless", "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        roots, cotangents = zip(*tracked, strict=True)
        autograd.backward(roots, cotangents)
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in inputs))


def _reentrant(function: Callable[..., Any], args: tuple[Any, ...], preserve_rng_state: bool) -> Any:
    if mode.recording and not any(isinstance(x, Tensor) and x.requires_grad for x in args):
        warn("no-differentiable-input", "None of the inputs have requires_grad=True. Gradients will be None", depth=2)
    return _Checkpointed.apply(function, preserve_rng_state, *args)


# -- sequences ---------------------------------------------------------------------------------------------------------


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions one after the other, in ``segments`` parts, of which all but the last are checkpointed."""
    if use_reentrant is None:
        warn(
            "unspecified-variant",
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly.",
        )
        use_reentrant = True
    listed = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(listed) // segments

    def part(start: int, stop: int) -> Callable[[Any], Any]:
        def run(value: Any) -> Any:
            for function in listed[start:stop]:
                value = function(value)
            return value

        return run

    last = size * (segments - 1)
    for start in range(0, last, size or 1):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant, **kwargs)
    return part(last, len(listed))(input)
