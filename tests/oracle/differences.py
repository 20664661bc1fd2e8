"""Asking the oracle of differences."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

from harness.capabilities import words_of
from harness.engine import NATIVE, Attribute
from harness.language import compile as compiler
from harness.language.words import ATTRIBUTES, NAMES
from tests.oracle import quotients
from tests.oracle.replay import Unanswerable, constant_number, now
from tests.oracle.stated import Question, sorted_out
from tests.oracle.substrate import Tensor, jacobians
from tests.oracle.substrate import engine as reference

_OF_CHECKPOINTS: Final = {keyword for keyword in NAMES["checkpoint"].parameters if keyword.isidentifier()}


def _called_through(function: Any, *operands: Any, **keywords: Any) -> Any:
    """A checkpoint changes when things are computed and nothing of what is computed."""
    return function(*operands, **{name: value for name, value in keywords.items() if name not in _OF_CHECKPOINTS})


def _hessian(func: Any, argnums: Any = 0) -> Any:
    return jacobians.jacrev(jacobians.jacrev(func, argnums), argnums)


class Engine(type(reference)):  # type: ignore[misc]
    """The reference where a number taken out of a tensor is a constant, and forward mode is asked for in reverse."""

    names: Mapping[str, Any] = {
        **reference.names,
        "bfloat16": reference.names["float64"],
        "checkpoint": _called_through,
        "func.jacfwd": jacobians.jacrev,
        "func.hessian": _hessian,
    }
    attributes: Mapping[str, Attribute] = {
        **{word: NATIVE for word in ATTRIBUTES if hasattr(Tensor, word)},
        **reference.attributes,
        "item": lambda tensor: constant_number(tensor, lambda t: t.item()),
        "tolist": lambda tensor: constant_number(tensor, lambda t: t.tolist()),
    }


_ENGINE: Final = Engine()
WORDS: Final = words_of(_ENGINE)


def answers(question: Question) -> list[Any]:
    """What was observed of each stated gradient: plain data, or the exception that there was instead of it."""
    runner = compiler.build(question.program, _ENGINE, list)
    out: list[Any] = []

    def play() -> None:
        guards = vars(runner.guards).copy()
        runner.guards.reset()
        seen: list[Any] = []
        try:
            runner.call(seen.append, *("float64" if value == "bfloat16" else value for value in question.values))
        finally:
            vars(runner.guards).update(guards)
            if now[-1].is_first:
                out.extend(seen)

    differences = quotients.Differences(play)
    quotients.asked.append(differences)
    ended: BaseException = Unanswerable("the program ended early")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            differences.start()
        except Exception as error:
            ended = error
        finally:
            quotients.asked.pop()
            _ENGINE.reset()
    return sorted_out(question, out, ended)
