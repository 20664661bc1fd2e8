"""Modules as functions of their parameters: the same computation with other tensors in place of the registered ones.

Keeps torch.func.functional_call, torch.func.stack_module_state and torch.func.functionalize. The tensors of the module
itself are not touched; what the call assigns to a buffer is found in the mapping that was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import AutogradError, AutogradValueError
from .modules import Module
from .operations.shapes import stack
from .tensor import Tensor

State = MutableMapping[str, Tensor]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: State | Sequence[State],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with the given tensors under the given names.

    A value under the name of a parametrized tensor takes its place, without the parametrization. Names of one tensor
    stand for each other, unless ``tie_weights`` is off; ``strict`` wants exactly the names that the module has."""
    given = (
        [parameter_and_buffer_dicts]
        if isinstance(parameter_and_buffer_dicts, Mapping)
        else list(parameter_and_buffer_dicts)
    )
    merged: dict[str, Tensor] = {}
    for state in given:
        for name in state.keys() & merged.keys():
            raise AutogradValueError(
                "key-mismatch", f"{name} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        merged.update(state)
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    places = _places(module)
    if strict:
        _check_names(module, merged, places)
    if tie_weights:
        merged = _tied(merged, places)
    with _replaced(merged, {**places, **_computed_places(module)}) as now:
        result = module(*arguments, **(kwargs or {}))
        for state in given:
            for name in state.keys() & places.keys():
                state[name] = now(name)
    return result


_NOTHING: Any = object()
Place = tuple[dict[str, Any], str]
"""A registry of a module, and the name in it."""


def _places(module: Module) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for path, part in module.named_modules():
        for registry in (part._parameters, part._buffers):
            for name in registry:
                found[f"{path}.{name}" if path else name] = (registry, name)
    return found


def _computed_places(module: Module) -> dict[str, Place]:
    """Where a value goes that is to stand for a parametrized tensor."""
    found: dict[str, Place] = {}
    for path, part in module.named_modules():
        table = part._modules.get("parametrizations")
        for name in () if table is None else table._modules:
            found[f"{path}.{name}" if path else name] = (vars(part), name)
    return found


def _tied(merged: dict[str, Tensor], places: dict[str, Place]) -> dict[str, Tensor]:
    groups: dict[int, list[str]] = {}
    for full, (registry, name) in places.items():
        if registry[name] is not None:
            groups.setdefault(id(registry[name]), []).append(full)
    tied = dict(merged)
    for names in groups.values():
        values = [merged[name] for name in names if name in merged]
        if any(value is not values[0] for value in values):
            raise AutogradValueError(
                "key-mismatch",
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. Consider using "
                "tie_weights=False",
            )
        if values:
            tied.update(dict.fromkeys(names, values[0]))
    return tied


def _check_names(module: Module, merged: dict[str, Tensor], places: dict[str, Place]) -> None:
    problems = []
    for what, names in (("Unexpected", merged.keys() - places.keys()), ("Missing", places.keys() - merged.keys())):
        if names:
            problems.append(f"{what} key(s): {', '.join(repr(name) for name in sorted(names))}.")
    if problems:
        raise AutogradError(
            "key-mismatch", f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )


@contextmanager
def _replaced(tensors: Mapping[str, Tensor], places: dict[str, Place]) -> Iterator[Any]:
    present = {name: places[name][0].get(places[name][1], _NOTHING) for name in tensors.keys() & places.keys()}
    for name in present:
        registry, key = places[name]
        registry[key] = tensors[name]
    try:
        yield lambda name: places[name][0][places[name][1]]
    finally:
        for name, tensor in present.items():
            registry, key = places[name]
            if tensor is _NOTHING:
                del registry[key]
            else:
                registry[key] = tensor


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """A function of the same meaning without writes to intermediate values. Nothing here executes a function in another
    way than it is written, so that is the function itself."""
    return func


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of models of one kind, each name stacked along a new first axis: new leaves."""
    if not models:
        raise AutogradError("invalid-argument", "stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise AutogradError(
            "invalid-argument", "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(model) for model in models}) > 1:
        raise AutogradError("invalid-argument", "stack_module_state: Expected all models to be of the same class.")
    return _stacked([dict(m.named_parameters()) for m in models]), _stacked([dict(m.named_buffers()) for m in models])


def _stacked(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    stacked = {}
    for name, first in states[0].items():
        leaf = stack([state[name].detach() for state in states])
        stacked[name] = leaf.requires_grad_(first.requires_grad)
    return stacked
