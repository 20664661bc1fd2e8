"""Every word of the spec language: free names, and what may follow a dot.

The dictionary is a folder of tables, one file a topic. A line is ``name(parameter, optional=, ...) -> traits | meaning``:
what a program may say, which keywords a call may carry, what comes back, one sentence of meaning. Words without
parentheses are not called. What a case needs of an engine is read off the words it uses.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

Result = Literal["", "tensor", "plain", "word", "words"]
"""What a call or an attribute yields: a tensor, a plain Python value, a word (a dtype's or an operation's name), a list
of words; empty where it depends. Expected values of words are written as they are, without quotes."""

Trait = Literal[
    "class",  # may stand without a call: for isinstance, or as the base of a class
    "context",  # goes with `with`, or decorates a function
    "counts",  # its second argument says how large the result is
    "decorator",  # decorates a method of a custom function
    "dtype",
    "grows",  # after it, broadcasting may multiply sizes again
    "joins",  # the result holds all of its operands
    "member",  # a program may give it to its own modules and contexts
    "method",  # also follows a dot, without its first parameter
    "settable",
    "random",  # it draws numbers
    "sized",  # its arguments say how large the result is
    "spatial",  # a number among its arguments may stand for each of several dimensions
    "squares",  # the result has as many entries as operands have pairs of entries
]


class Word(NamedTuple):
    name: str
    result: Result
    parameters: tuple[str, ...]
    """In order; ``...`` where any number of operands goes, ``**`` where any keywords go."""
    optional: frozenset[str]
    """Parameters that a call may leave out: each one that is given is a need of its own."""
    meaning: str
    called: bool
    traits: frozenset[Trait]
    topic: str


def _table(text: str) -> list[Word]:
    words = []
    topic = ""
    for line in text.strip().splitlines():
        if line.startswith("#"):
            topic = line.strip("# ")
        elif line:
            head, meaning = (part.strip() for part in line.split(" | ", 1))
            call, _, said = (part.strip() for part in head.partition("->"))
            name, called, listed = call.rstrip(")").partition("(")
            given = [part.strip() for part in listed.split(",") if part.strip()]
            optional = frozenset(part[:-1] for part in given if part.endswith("="))
            parameters = tuple(part.rstrip("=") for part in given)
            traits = [part.strip() for part in said.split(",")]
            result = traits.pop(0) if traits[0] in get_args(Result) else ""
            words.append(
                Word(name, result, parameters, optional, meaning, bool(called), frozenset(traits), topic)  # type: ignore[arg-type]
            )
    return words


def _method(word: Word) -> Word:
    return word._replace(parameters=word.parameters[1:], traits=word.traits - {"method"})


_FILES: Final = ("tensors", "tape", "operations", "functions", "transforms", "modules", "own")
_FILED: Final = {
    file: _table(Path(__file__).with_name("dictionary").joinpath(f"{file}.txt").read_text("utf-8")) for file in _FILES
}
_WORDS: Final = [word for words in _FILED.values() for word in words]

NAMES: Final[Mapping[str, Word]] = {word.name: word for word in _WORDS if not word.name.startswith(".")}
ATTRIBUTES: Final[Mapping[str, Word]] = {
    **{word.name: _method(word) for word in NAMES.values() if "method" in word.traits},
    **{word.name[1:]: word._replace(name=word.name[1:]) for word in _WORDS if word.name.startswith(".")},
}
NAMESPACES: Final = frozenset(name.partition(".")[0] for name in NAMES if "." in name)
"""What stands before the dot of a dotted name: ``func`` in ``func.grad``."""

DTYPES: Final = frozenset(word.name for word in NAMES.values() if "dtype" in word.traits)
MODES: Final = frozenset(word.name for word in NAMES.values() if "context" in word.traits)
PROPERTIES: Final = frozenset(word.name for word in ATTRIBUTES.values() if not word.called)
"""Attributes that are read; all others are called."""
MEMBERS: Final = frozenset(word.name for word in ATTRIBUTES.values() if "member" in word.traits and not word.result)
"""Attributes that programs give to what is their own: needed of no engine."""
SETTABLE: Final = frozenset(word.name for word in ATTRIBUTES.values() if word.traits & {"settable", "member"})

BUILTINS: Final[Mapping[str, Word]] = {
    word.name: word
    for word in _table("""
# Python's own
range() -> plain             | at most 10,000 numbers
len() -> plain               | length of a list
zip() -> plain               | lists side by side
enumerate() -> plain         | a list with its positions
list() -> plain              | a list of what a loop would see
tuple() -> plain             | a fixed list of what a loop would see
dict() -> plain              | a dictionary of pairs
float() -> plain             | as a Python number
int() -> plain               | as a Python integer
bool() -> plain              | as a truth value
abs()                        | absolute value
isinstance() -> plain        | whether a value is of a class
""")
}
KINDS: Final = frozenset({"list", "tuple", "dict", "float", "int", "bool"})
"""What `isinstance` may ask for, besides classes of the engine."""
NUMBERS: Final[Mapping[str, float]] = {"nan": math.nan, "inf": math.inf, "pi": math.pi}
LISTS: Final[Mapping[str, Word]] = {
    word.name: word
    for word in _table("""
# Python's own
append() -> plain            | add to the end of a list
""")
}
"""Attributes of plain lists: part of the language itself, needed of no engine."""

OF_A_NODE: Final = ".grad_fn.register_hook"
"""A need of its own: an engine whose tensors take hooks may have nodes that do not, and says so under `lacks`."""
SYNTAX: Final = frozenset({"abs", "as", "decorator", "def", "del", "dict", "lambda", "raise"})
"""What Python lends to every engine that runs in it; an engine in another language may lack one."""

OPERATORS: Final[dict[type[ast.AST], str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
COMPARISONS: Final[dict[type[ast.AST], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
IDENTITY: Final[dict[type[ast.AST], str]] = {ast.Is: "is", ast.IsNot: "is not"}
"""Comparisons that ask nothing of an engine."""

MUTATING: Final = frozenset(name for name in ATTRIBUTES if name.endswith("_"))
"""Methods that write in place."""
RANDOM: Final = frozenset(name for name, word in NAMES.items() if "random" in word.traits)
TAPE: Final = frozenset(word.name for word in _FILED["tape"])
"""Words that mean something only where operations are recorded as they run, as `CheckedSpec.needs` spells them."""
