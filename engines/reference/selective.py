"""Selective checkpointing: of some operations the results are kept, the others are computed again.

Keeps torch.utils.checkpoint.create_selective_checkpoint_contexts. The first context remembers the results of the chosen
operations, the second gives them back in the same order instead of executing the operations again.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from typing import Any

from .dtypes import Array
from .levels import Level, enter, leave
from .record import Operation, Options
from .tensor import Tensor

Results = defaultdict[str, deque[Array]]


class _Context(Level):
    is_transform = False

    def __init__(self, chosen: Collection[str], results: Results) -> None:
        self.chosen = chosen
        self.results = results

    def __enter__(self) -> None:
        enter(self)

    def __exit__(self, *exception: object) -> None:
        leave(self)


class _Remembering(_Context):
    def executed(self, operation: Operation, operands: Sequence[Any], options: Options, result: Tensor) -> None:
        if operation.name in self.chosen:
            self.results[operation.name].append(result._array)


class _Recalling(_Context):
    def recalled(self, operation: Operation) -> Array | None:
        results = self.results.get(operation.name)
        return results.popleft() if results else None


def create_selective_checkpoint_contexts(operations: Sequence[Any]) -> tuple[_Context, _Context]:
    """For ``context_fn`` of `checkpoint`: the results of these operations (functions, or their names) are kept."""
    chosen = {name if isinstance(name, str) else name.__name__ for name in operations}
    results: Results = defaultdict(deque)
    return _Remembering(chosen, results), _Recalling(chosen, results)
