"""What is asked of an operation: each aspect is a program, and the cases that it runs with.

The programs are what a user types. Every number that they must show was computed by ``numbers`` from the row's formulas
and stands in the case, beside the bound on an engine's error (``..._near``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from harness.language.records import Data, Expectation, Standing, Step
from harness.tables import drawing
from harness.tables.numbers import EPSILON_OF, Array, Arrays, BadNumbers, Near, Rule, is_plain, size_of

FULL: Final = ("float64", "float32")
HALVES: Final = ("float16", "bfloat16")
MATRICES: Final = frozenset({"matrix", "symmetric", "positive-definite", "upper", "lower"})
"""Operands that LAPACK solves with or takes apart; it has no halves."""
COMPLEX: Final = ("complex128", "complex64")
WORST_ERROR: Final = 1e-9
"""Of a second derivative that differences gave, relative to its size."""
MANY: Final = 2_000
"""Elements that every elementwise operation is asked at: more than one block of a vectorised loop."""
CAUGHT: Final = {"float64": 1e-9, "complex128": 1e-9, "float32": 1e-3, "complex64": 1e-3}
"""A relative error of this size is caught in every dtype's cases, whatever the bound."""
_UNARY_SHAPES: Final = (((19,),), ((),), ((2, 1, 3),), ((0,),))
_BINARY_SHAPES: Final = (
    *(((19,), (19,)), ((), ()), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (4,)), ((2, 2), ())),
    *(((1,), (3,)), ((0,), (0,)), ((2, 0), (1, 1))),
)
_TERNARY_SHAPES: Final = (
    *(((19,),) * 3, ((),) * 3, ((2, 3), (3,), (2, 1)), ((3,), (2, 1), (2, 3)), ((2, 1), (2, 3), ()), ((0,),) * 3),
)

_SHAPES: Final = {1: _UNARY_SHAPES, 2: _BINARY_SHAPES, 3: _TERNARY_SHAPES}
"""Of elementwise operations, by the number of their operands."""


class Sample(NamedTuple):
    """Inputs and parameters, before they are rounded to a dtype."""

    label: str
    arrays: Arrays
    parameters: dict[str, Any]


class Draft(NamedTuple):
    """One spec to be: an aspect of a row."""

    aspect: str
    claim: str
    steps: tuple[Step, ...]
    cases: tuple[dict[str, Any], ...]
    standing: Standing | None = None
    since: str = ""
    until: str = ""
    source: tuple[str, ...] = ()


class Asked:
    """One row, and what its aspects have in common."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.rule = rule
        self.row = rule.row
        self.lines = _lines(self.row.run, self.rule.outputs)
        self.samples = list(self.drawn())
        takes_complex = any(given.complex for given in rule.inputs.values())
        self.full = COMPLEX if takes_complex else FULL
        """The dtypes of operands that every aspect asks for."""
        self.changes_dtype = bool(self.row.complex) or takes_complex or self.makes_complex()
        """Whether outputs may be complex where operands are not, or the other way round."""
        self.is_complex = takes_complex or self.makes_complex()
        """Whether operands or outputs are complex in every case."""
        solved = any(given.origin in MATRICES for given in rule.inputs.values() if isinstance(given.origin, str))
        self.halves = () if self.is_complex or solved else tuple(d for d in HALVES if d not in self.row.without)

    # ---- inputs

    def drawn(self) -> Iterator[Sample]:
        """What every aspect chooses from: the row's cases; at many shapes where the operation is elementwise."""
        cases = self.row.cases or ({},)
        for number, case in enumerate(cases):
            if self.row.is_elementwise and not self.rule.inputs.keys() & {
                name for name, given in case.items() if not is_written(self.rule.inputs.get(name))
            }:
                shapes = _SHAPES[len(self.rule.inputs)]
                if "booleans" in {given.origin for given in self.rule.inputs.values() if isinstance(given.origin, str)}:
                    shapes = tuple(s for s in shapes if (0,) not in s)  # an empty list says nothing of its dtype
                for several in shapes if number == 0 else shapes[:1]:
                    sizes = dict(zip(self.rule.inputs, several, strict=True))
                    yield self.sample(f"{number}-{several}", case, sizes)
            else:
                yield self.sample(str(number), case, self.sizes(case))

    def makes_complex(self) -> bool:
        outputs = self.rule.forward(self.at("float64", self.samples[0]))
        return any(np.iscomplexobj(outputs[name]) for name in self.rule.smooth)

    def sizes(self, case: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        return {name: _shape(name, case[name]) for name in self.rule.inputs if self.has_shape(name, case)}

    def has_shape(self, name: str, case: Mapping[str, Any]) -> bool:
        given = self.rule.inputs[name]
        if name not in case:
            raise BadNumbers(f"a case does not say the shape of {name}")
        if is_written(given):
            return False
        return not (given.origin == "booleans" and _holds_truths(case[name]))

    def sample(self, label: str, case: Mapping[str, Any], sizes: Mapping[str, tuple[int, ...]]) -> Sample:
        parameters = {name: value for name, value in case.items() if name not in self.rule.inputs}
        for attempt in range(drawing.TRIES):
            arrays: Arrays = {}
            for name, given in self.rule.inputs.items():
                seed = f"{self.name}/{label}/{name}/{attempt}"
                if name in sizes:
                    arrays[name] = drawing.drawn(given.origin, sizes[name], seed, given.complex)
                else:
                    arrays[name] = np.asarray(case[name], None if is_plain(given) else float)
            if self.rule.avoid is None or not np.any(self.rule.avoid({**arrays, **parameters})):
                return Sample(label, arrays, parameters)
        raise BadNumbers(f"no inputs found that `avoid` does not exclude, in {drawing.TRIES} tries")

    def between(self, sample: Sample) -> Sample:
        """Other numbers in the same shapes, where they are drawn, and what the row says. Of two operands that may be taken for
        each other, a third of the numbers are exchanged, and a third are the same in both: what compares operands notices."""
        case = sample.parameters | {x: value.tolist() for x, value in sample.arrays.items()} | self.row.between
        drawn = {x: given for x, given in self.rule.inputs.items() if not is_written(given) and not is_plain(given)}
        sizes = {x: sample.arrays[x].shape for x in drawn if x not in self.row.between}
        other = self.sample(f"{sample.label}/other", case, sizes)
        if self.row.is_elementwise and len(sizes) == 2 and drawn[min(drawn)] == drawn[max(drawn)]:
            (x, y), arrays = drawn, dict(other.arrays)
            third = np.arange(sample.arrays[x].size) % 3
            arrays[x] = np.where(third == 0, sample.arrays[y], arrays[x])
            arrays[y] = np.select([third == 0, third == 1], [sample.arrays[x], arrays[x]], arrays[y])
            return Sample(other.label, arrays, other.parameters)
        return other

    def at(self, dtype: str, sample: Sample) -> dict[str, Any]:
        """The names that formulas see, where tensors of ``dtype`` hold the sample."""
        return {name: self.held(name, value, dtype) for name, value in sample.arrays.items()} | sample.parameters

    def held(self, name: str, value: Array, dtype: str) -> Array:
        if is_plain(self.rule.inputs[name]):
            return value
        kind = as_complex(dtype) if np.iscomplexobj(value) else dtype
        return drawing.held(value, kind)

    def random(self, seed: str, shape: tuple[int, ...], dtype: str, low: float = 0.5, high: float = 2.0) -> Array:
        """Numbers of either sign, none of them small: cotangents and tangents."""
        made = drawing.drawn([[-high, -low], [low, high]], shape, f"{self.name}/{seed}", dtype in COMPLEX)
        return drawing.held(made, dtype)

    def cotangents(self, seed: str, outputs: Mapping[str, Array], dtype: str) -> Arrays:
        return {
            name: self.random(f"{seed}/cotangent/{name}", outputs[name].shape, like(outputs[name], dtype))
            for name in self.rule.smooth
        }

    def tangents(self, seed: str, names: Mapping[str, Any], dtype: str) -> Arrays:
        return {x: self.random(f"{seed}/tangent/{x}", names[x].shape, like(names[x], dtype)) for x in self.rule.active}

    # ---- programs

    def inputs(self, flag: Callable[[str], str], dtype: Callable[[str], str] = lambda name: "dtype") -> list[str]:
        """Lines that make the tensors; ``flag``: what requires_grad of an operand is, "" where it is not given."""
        lines = []
        for name, given in self.rule.inputs.items():
            if is_plain(given):
                truths = ".bool()" if given.origin == "booleans" else ""
                lines.append(f"{name} = tensor({name}_in){truths}")
            else:
                asked = flag(name) if name in self.rule.active else ""
                lines.append(f"{name} = tensor({name}_in, dtype={dtype(name)}{asked and f', requires_grad={asked}'})")
        return lines

    def pulled(self) -> str:
        """The line that runs backward from every output, with cotangents."""
        made = [f"tensor({name}_cotangent, dtype={self.dtype_name(name)})" for name in self.rule.smooth]
        if len(self.rule.outputs) == 1:
            return f"{self.rule.smooth[0]}.backward(gradient={made[0]})"
        return f"backward([{', '.join(self.rule.smooth)}], [{', '.join(made)}])"

    def dtype_name(self, output: str) -> str:
        return f"{output}_dtype" if self.changes_dtype else "dtype"

    def outputs_due(self) -> dict[str, Expectation | Any]:
        due: dict[str, Expectation | Any] = {}
        kinds = {x: v.dtype.kind for x, v in self.rule.forward(self.at("float64", self.samples[0])).items()}
        truths, whole = ({x for x, kind in kinds.items() if kind == one} for one in "bi")
        for name in self.rule.outputs:
            if name in self.rule.smooth:
                due[name] = shown(f"{name}_value", f"{name}_near", self.dtype_name(name))
            elif name in truths:
                due[name] = f"{name}_value"
            elif name in whole:  # which dtype positions have is each engine's own matter
                due[f"{name}.tolist()"] = f"{name}_value"
            else:
                due[name] = Expectation(value=Data(f"{name}_value"), dtype=f"{name}_dtype")
        return due

    def gradients_due(self, names: Sequence[str] | None = None) -> dict[str, Expectation | Any]:
        return {f"{x}.grad": shown(f"{x}_grad", f"{x}_near") for x in names or self.rule.active}

    # ---- cases

    def given(self, dtype: str, names: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that every program has: dtype, inputs, the row's own parameters."""
        case: dict[str, Any] = {"dtype": dtype}
        for name in self.rule.inputs:
            case[f"{name}_in"] = written(names[name])
        used = {node.id for node in ast.walk(ast.parse("\n".join(self.lines))) if isinstance(node, ast.Name)}
        return case | {name: value for name, value in names.items() if name not in self.rule.inputs and name in used}

    def outputs_at(self, dtype: str, seed: str, names: Mapping[str, Any]) -> dict[str, Any]:
        """The values that the outputs must have, with bounds."""
        outputs = self.rule.forward(names)
        smooth = {name: outputs[name] for name in self.rule.smooth}
        near = self.rule.near(dtype, f"{self.name}/{seed}/near", names, smooth, self.rule.forward_smooth)
        case: dict[str, Any] = {}
        for name in self.rule.outputs:
            value = outputs[name]
            case[f"{name}_value"] = written(value)
            if name in self.rule.smooth:
                case[f"{name}_near"] = list(near[name])
                if self.changes_dtype:
                    case[f"{name}_dtype"] = like(value, dtype)
            elif value.dtype.kind not in "bi":
                case[f"{name}_dtype"] = dtype
        return case

    def gradients_at(
        self,
        dtype: str,
        seed: str,
        names: Mapping[str, Any],
        pull: Callable[[Mapping[str, Any]], Arrays],
        terms: Sequence[Arrays] = (),
    ) -> dict[str, Any]:
        """The gradients that ``pull`` gives, with bounds; ``terms``: what adds up to them, and may cancel."""
        gradients = pull(names)
        near = self.rule.near(dtype, f"{self.name}/{seed}/near", names, gradients, pull)
        case: dict[str, Any] = {}
        for x, value in gradients.items():
            size = sum(float(np.max(np.abs(term[x]), initial=0.0)) for term in terms)
            bound = Near(near[x].rtol, near[x].atol + near[x].rtol * size)
            self.look(dtype, x, np.append(value, size), bound)
            case[f"{x}_grad"] = written(value)
            case[f"{x}_near"] = list(bound)
        return case

    def look(self, dtype: str, name: str, value: Array, near: Near) -> None:
        """A bound must not hide what it is there to show."""
        finite = np.abs(value[np.isfinite(value)])
        size = float(finite.max()) if finite.size else 0.0
        if (
            dtype in CAUGHT
            and size
            and near.atol + near.rtol * size > CAUGHT[dtype] * size
            and self.rule.loose(dtype) == 1
        ):
            raise BadNumbers(
                f"the bound on the gradient of {name} in {dtype} would hide a relative error of {CAUGHT[dtype]:g}: "
                "choose other shapes or better conditioned inputs, or say in 'loose' and 'note' what an engine cannot do better"
            )


def is_written(given: Any) -> bool:
    """Whether every case writes the operand's numbers out."""
    return given is not None and given.origin in ("integers", "literal")


def _holds_truths(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, bool)


def _shape(name: str, given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(type(size) is int and size >= 0 for size in given):
        raise BadNumbers(f"{given!r} is not the shape of {name}: sizes in a list, [] for a 0-d tensor")
    return tuple(given)


def _lines(run: str, outputs: Sequence[str]) -> list[str]:
    """The lines of a row's call, which bind its outputs."""
    lines = run.strip().splitlines()
    try:
        ast.parse(run.strip(), mode="eval")
    except SyntaxError:
        return lines
    return [f"{', '.join(outputs)} = {' '.join(line.strip() for line in lines)}"]


def as_complex(dtype: str) -> str:
    return {"float64": "complex128", "float32": "complex64"}.get(dtype, dtype)


def as_real(dtype: str) -> str:
    return {"complex128": "float64", "complex64": "float32"}.get(dtype, dtype)


def like(value: Array, dtype: str) -> str:
    """The dtype of a result, where the operands are of ``dtype``."""
    return as_complex(dtype) if np.iscomplexobj(value) else as_real(dtype)


def written(value: Array) -> Any:
    """An array as nested lists. Raises `BadNumbers` where lists cannot say its shape."""
    value = np.asarray(value)
    if 0 in value.shape and value.shape.index(0) != value.ndim - 1:
        raise BadNumbers(f"an empty tensor of shape {list(value.shape)} cannot be written out; let the last size be 0")
    return value.tolist()


def shown(value: str, near: str, dtype: str = "dtype") -> Expectation:
    """What an expression must show: the parameters that hold the numbers, the bound and the dtype."""
    return Expectation(value=Data(value), dtype=dtype, tolerance=near)


def body(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


# ---- aspects


def gradient(asked: Asked) -> Draft:
    """Value and gradients: at every shape, in every dtype, for random, single, zero, nan and (of a product) inf cotangents."""
    rule, cases = asked.rule, []
    first = asked.samples[0]

    def case(label: str, dtype: str, sample: Sample, change: Callable[[Array], Array] = lambda g: g) -> None:
        names = asked.at(dtype, sample)
        seed = f"{sample.label}/{dtype}/{label}"
        outputs = rule.forward(names)
        cotangents = {name: change(value) for name, value in asked.cotangents(seed, outputs, dtype).items()}
        pull = partial(rule.vjp, cotangents=cotangents)
        cases.append(
            asked.given(dtype, names)
            | {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
            | asked.outputs_at(dtype, seed, names)
            | asked.gradients_at(dtype, seed, names, pull)
        )

    for dtype in asked.full:
        for sample in asked.samples:
            case("", dtype, sample)
    for dtype in COMPLEX if asked.row.complex and asked.full is FULL else ():
        for sample in complex_samples(asked):
            case("", dtype, sample)
    for dtype in asked.halves:
        case("", dtype, first)
    if any(value.size > 1 for value in rule.forward(asked.at("float64", first)).values()):
        case("one-hot", asked.full[0], first, lambda g: single(g, -2, 1.25))
        case("zero", asked.full[0], first, np.zeros_like)
        if asked.row.is_elementwise and (at := sloped(asked)) is not None:
            if is_product(asked):
                case("inf", "float64", first, lambda g: single(g, at, np.inf))
            case("nan", "float64", first, lambda g: single(g, at, np.nan))
    steps = (
        Step(run=body([*asked.inputs(lambda _: "True"), *asked.lines]), expect=asked.outputs_due()),
        Step(run=asked.pulled(), expect=asked.gradients_due()),
    )
    return Draft("gradient", told(asked), steps, tuple(cases))


def told(asked: Asked) -> str:
    row = asked.row
    call = " ".join(row.run.split())
    if row.is_elementwise:
        rules = ", ".join(f"{text} ({name})" for name, text in row.derivative.items())
        return f"{call}: its value, and gradients that are the cotangent times {rules}."
    rules = "; ".join(f"{name}: {' '.join(text.split())}" for name, text in row.gradient.items())
    return f"{call}: its value, and its gradients from the cotangent g; {rules}."


def single(g: Array, at: int, value: float) -> Array:
    """Zeros but for one element."""
    out = np.zeros_like(g)
    if out.size:
        out.ravel()[at % out.size] = value
    return out


def sloped(asked: Asked) -> int | None:
    """An element whose derivatives are all different from 0: an infinite cotangent times 0 is nobody's to fix."""
    names = asked.at("float64", asked.samples[0])
    (name,) = asked.rule.smooth
    gradients = asked.rule.vjp(names, {name: np.ones(asked.rule.forward(names)[name].shape)})
    flat = np.all(
        [np.ravel(np.broadcast_to(g, gradients[asked.rule.active[0]].shape)) != 0 for g in gradients.values()], 0
    )
    found = np.flatnonzero(flat)
    return int(found[-1]) if found.size else None


def is_product(asked: Asked) -> bool:
    """Whether what the cotangent is multiplied by is neither a sum nor made of pieces. An engine may multiply the terms and
    the pieces one by one, and inf - inf is nan, as inf * 0 is."""
    nodes = [node for text in asked.row.derivative.values() for node in ast.walk(ast.parse(text.strip(), mode="eval"))]
    sums = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) for node in nodes)
    pieces = any(isinstance(node, ast.Name) and node.id == "where" for node in nodes)
    return not sums and not pieces and "inf" not in asked.row.without


def complex_samples(asked: Asked) -> Iterator[Sample]:
    """The first sample and one that broadcasts, with complex numbers."""
    chosen = [asked.samples[0], *(asked.samples[2:3] if asked.row.is_elementwise else [])]
    for sample in chosen:
        arrays = {}
        for name, value in sample.arrays.items():
            given = asked.rule.inputs[name]
            if is_plain(given) or given.origin == "literal" or given.complex:
                arrays[name] = value
            else:
                arrays[name] = drawing.drawn(
                    given.origin, value.shape, f"{asked.name}/{sample.label}/{name}/complex", True
                )
        yield Sample(f"{sample.label}-complex", arrays, sample.parameters)


def twice(asked: Asked) -> Draft | None:
    """Two uses of the same operands add up, whatever happens with other values in between."""
    rule, row, cases = asked.rule, asked.row, list[dict[str, Any]]()
    sample = asked.samples[0]
    between = asked.between(sample)
    redrawn = [x for x, value in sample.arrays.items() if not np.array_equal(between.arrays[x], value)]
    changed = [x for x in {**sample.arrays, **sample.parameters} if x in {*rule.active, *row.between, *redrawn}]
    for dtype in asked.full:
        names, other = asked.at(dtype, sample), asked.at(dtype, between)
        outputs = rule.forward(names)
        several = [asked.cotangents(f"twice/{dtype}/{n}", outputs, dtype) for n in (1, 2)]
        several.append(asked.cotangents(f"twice/{dtype}/3", rule.forward(other), dtype))
        terms = [rule.vjp(names, one) for one in several[:2]]
        made = asked.gradients_at(dtype, f"twice/{dtype}", names, partial(_both, rule, several[:2]), terms)
        case = asked.given(dtype, names)
        case |= {f"{x}_between": written(other[x]) if x in rule.inputs else other[x] for x in changed}
        for number, one in enumerate(several, 1):
            case |= {f"{name}_cotangent{number}": written(value) for name, value in one.items()}
        cases.append(case | dtypes_of(asked, outputs, dtype) | made)
    made_of = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in asked.inputs(lambda _: "True")}
    operands = ", ".join(changed)
    others = ", ".join(made_of.get(x, f"{x}_in").replace(f"{x}_in", f"{x}_between") for x in changed)
    lines = [
        *asked.inputs(lambda _: "True"),
        f"def f({operands}):",
        *indented([*asked.lines, f"return [{', '.join(rule.smooth)}]"]),
        f"first, second, between = f({operands}), f({operands}), f({others})",
    ]
    for word, number in (("between", 3), ("first", 1), ("second", 2)):
        given = [f"tensor({name}_cotangent{number}, dtype={asked.dtype_name(name)})" for name in rule.smooth]
        lines.append(f"backward({word}, [{', '.join(given)}])")
    claim = f"Gradients of two uses of the same operands add up, with other values in between: {one_line(asked)}."
    return Draft("twice", claim, (Step(run=body(lines), expect=asked.gradients_due()),), tuple(cases))


def dtypes_of(asked: Asked, outputs: Arrays, dtype: str) -> dict[str, Any]:
    return {f"{x}_dtype": like(outputs[x], dtype) for x in asked.rule.smooth} if asked.changes_dtype else {}


def _both(rule: Rule, cotangents: Sequence[Arrays], names: Mapping[str, Any]) -> Arrays:
    several = [rule.vjp(names, one) for one in cotangents]
    return {name: sum(one[name] for one in several) for name in several[0]}


def _many(rule: Rule, times: int, cotangents: Arrays, names: Mapping[str, Any]) -> Arrays:
    return {x: times * g for x, g in rule.vjp(names, cotangents).items()}


def one_line(asked: Asked) -> str:
    return " ".join(asked.row.run.split())


def alone(asked: Asked, active: str) -> Draft:
    """One operand requires grad; the others stay without a gradient."""
    rule, dtype = asked.rule, asked.full[0]
    names = asked.at(dtype, asked.samples[0])
    outputs = rule.forward(names)
    cotangents = asked.cotangents(f"alone/{active}", outputs, dtype)
    gradients = asked.gradients_at(dtype, f"alone/{active}", names, partial(rule.vjp, cotangents=cotangents))
    case = (
        asked.given(dtype, names)
        | {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
        | dtypes_of(asked, outputs, dtype)
        | {f"{active}_{part}": gradients[f"{active}_{part}"] for part in ("grad", "near")}
    )
    lines = [*asked.inputs(lambda name: "True" if name == active else ""), *asked.lines, asked.pulled()]
    due = asked.gradients_due([active]) | {f"{x}.grad": None for x in rule.active if x != active}
    claim = f"Where {active} alone requires grad, it gets its gradient and the others none: {one_line(asked)}."
    return Draft(f"alone-{active.lower().replace('_', '-')}", claim, (Step(run=body(lines), expect=due),), (case,))


def same(asked: Asked) -> Draft | None:
    """One tensor as every operand gets the sum of their gradients."""
    rule = asked.rule
    if not asked.row.is_elementwise or len(rule.active) < 2 or len(rule.active) != len(rule.inputs):
        return None
    first, *others = rule.active
    sample, cases = asked.samples[0], []
    arrays = dict.fromkeys(rule.inputs, sample.arrays[first])
    if rule.avoid is not None and np.any(rule.avoid({**arrays, **sample.parameters})):
        return None
    for dtype in asked.full:
        names = asked.at(dtype, Sample("same", arrays, sample.parameters))
        cotangents = asked.cotangents(f"same/{dtype}", rule.forward(names), dtype)

        def pull(at: Mapping[str, Any], cotangents: Arrays = cotangents) -> Arrays:
            moved = {**at, **dict.fromkeys(others, at[first])}
            return {first: sum(rule.vjp(moved, cotangents).values())}

        terms = [{first: term} for term in rule.vjp(names, cotangents).values()]
        case = asked.given(dtype, names)
        for name in others:
            del case[f"{name}_in"]
        cases.append(
            case
            | {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
            | dtypes_of(asked, rule.forward(names), dtype)
            | asked.gradients_at(dtype, f"same/{dtype}", names, pull, terms)
        )
        if not np.all(np.isfinite(pull(names)[first])):
            return None
    bound = [f"{first} = tensor({first}_in, dtype=dtype, requires_grad=True)", f"{' = '.join(others)} = {first}"]
    lines = [*bound, *asked.lines, asked.pulled()]
    claim = f"One tensor as all operands gets the sum of their gradients: {one_line(asked)}."
    return Draft("same", claim, (Step(run=body(lines), expect=asked.gradients_due([first])),), tuple(cases))


def promotion(asked: Asked) -> Draft | None:
    """Operands of different dtypes: the result has the wider one, each gradient that of its operand."""
    rule, cases = asked.rule, []
    if not asked.row.is_elementwise or len(rule.active) != 2 or "promotion" in asked.row.without:
        return None
    for narrow in rule.active:
        dtypes = {x: "float32" if x == narrow else "float64" for x in rule.active}
        sample = asked.samples[0]
        names: dict[str, Any] = {x: asked.held(x, v, dtypes.get(x, "float64")) for x, v in sample.arrays.items()}
        names |= sample.parameters
        cotangents = asked.cotangents(f"promotion/{narrow}", rule.forward(names), "float64")
        case = asked.given("float64", names) | {f"{x}_dtype": dtypes[x] for x in rule.active}
        case |= {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
        pull = partial(rule.vjp, cotangents=cotangents)
        # intermediate results may be of the narrow dtype
        made = asked.gradients_at("float32", f"promotion/{narrow}", names, pull)
        value = asked.outputs_at("float32", f"promotion/{narrow}", names)
        case |= {key: value[key] for key in value if not key.endswith("_dtype")}
        cases.append(case | made)
    lines = [
        *asked.inputs(lambda _: "True", lambda name: f"{name}_dtype" if name in rule.active else "dtype"),
        *asked.lines,
    ]
    pulled = asked.pulled().replace(f"{rule.smooth[0]}_dtype", "dtype")
    out = rule.smooth[0]
    due = {f"{x}.grad": shown(f"{x}_grad", f"{x}_near", f"{x}_dtype") for x in rule.active}
    steps = (
        Step(run=body(lines), expect={out: shown(f"{out}_value", f"{out}_near")}),
        Step(run=pulled, expect=due),
    )
    claim = f"The result of two dtypes has the wider one, and each gradient that of its operand: {one_line(asked)}."
    return Draft("promotion", claim, steps, tuple(cases), Standing.CONVENTION)


def strided(asked: Asked) -> Draft | None:
    """Operands that are every second row of a transposed tensor."""
    return laid_out(
        asked, "strided", _strided, "every second slice of a tensor, transposed where it has two dimensions"
    )


def expanded(asked: Asked) -> Draft | None:
    """Operands that repeat one element or row without holding it twice."""
    return laid_out(asked, "expanded", _expanded, "one slice that is expanded (stride 0), whose gradients add up")


class Layout(NamedTuple):
    leaf: Array
    line: str
    """The operand, from ``NAME_leaf``."""
    operand: Array
    back: Callable[[Array], Array]
    """The operand's gradient -> the leaf's."""


def _strided(name: str, x: Array) -> Layout:
    turned = np.swapaxes(x, 0, 1) if x.ndim > 1 else x
    axis = 1 if x.ndim > 1 else 0
    index = (slice(None),) * axis + (slice(None, None, 2),)
    leaf = np.repeat(turned, 2, axis=axis)
    line = f"{name} = {name}_leaf.transpose(0, 1)[::2]" if x.ndim > 1 else f"{name} = {name}_leaf[::2]"

    def back(g: Array) -> Array:
        out = np.zeros(leaf.shape, g.dtype)
        out[index] = np.swapaxes(g, 0, 1) if x.ndim > 1 else g
        return out

    return Layout(leaf, line, x, back)


def _expanded(name: str, x: Array) -> Layout | None:
    if x.shape[0] < 2:
        return None
    leaf = x[:1]
    sizes = ", ".join(map(str, x.shape))
    operand = np.broadcast_to(leaf, x.shape)
    return Layout(leaf, f"{name} = {name}_leaf.expand({sizes})", operand, lambda g: g.sum(0, keepdims=True))


def laid_out(asked: Asked, aspect: str, lay: Callable[[str, Array], Layout | None], how: str) -> Draft | None:
    rule, cases = asked.rule, []
    if aspect in asked.row.without:
        return None
    fit = [s for s in asked.samples if any(s.arrays[x].ndim and s.arrays[x].size for x in rule.active)]
    if not fit:
        return None
    sample = max(fit, key=lambda s: sum(s.arrays[x].ndim > 1 for x in rule.active))
    layouts = {x: lay(x, sample.arrays[x]) for x in rule.active if sample.arrays[x].ndim and sample.arrays[x].size}
    if aspect == "expanded":
        layouts = {x: layout for x, layout in layouts.items() if not isinstance(rule.inputs[x].origin, str)}
    chosen = {x: layout for x, layout in layouts.items() if layout is not None}
    if not chosen:
        return None
    for dtype in asked.full:
        arrays = {name: chosen[name].operand if name in chosen else value for name, value in sample.arrays.items()}
        if rule.avoid is not None and np.any(rule.avoid({**arrays, **sample.parameters})):
            return None
        names = asked.at(dtype, Sample(aspect, arrays, sample.parameters))
        outputs = rule.forward(names)
        cotangents = asked.cotangents(f"{aspect}/{dtype}", outputs, dtype)

        def pull(at: Mapping[str, Any], cotangents: Arrays = cotangents) -> Arrays:
            gradients = rule.vjp(at, cotangents)
            return {x: chosen[x].back(g) if x in chosen else g for x, g in gradients.items()}

        if not all(np.all(np.isfinite(g)) for g in pull(names).values()):
            return None
        case = asked.given(dtype, names)
        case |= {f"{x}_in": written(asked.held(x, layout.leaf, dtype)) for x, layout in chosen.items()}
        cases.append(
            case
            | {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
            | asked.outputs_at(dtype, f"{aspect}/{dtype}", names)
            | asked.gradients_at(dtype, f"{aspect}/{dtype}", names, partial(pull, cotangents=cotangents))
        )
    made = asked.inputs(lambda _: "True")
    lines = []
    for line in made:
        name = line.partition(" ")[0]
        lines += [f"{name}_leaf{line[len(name) :]}", chosen[name].line] if name in chosen else [line]
    due = {f"{x}_leaf.grad" if x in chosen else f"{x}.grad": shown(f"{x}_grad", f"{x}_near") for x in rule.active}
    steps = (
        Step(run=body([*lines, *asked.lines]), expect=asked.outputs_due()),
        Step(run=asked.pulled(), expect=due),
    )
    return Draft(aspect, f"Operands may be {how}: {one_line(asked)}.", steps, tuple(cases))


def forward(asked: Asked) -> Draft | None:
    """Forward mode: the tangent of each output."""
    rule, cases = asked.rule, []
    for dtype in asked.full:
        for sample in curved_samples(asked):
            names = asked.at(dtype, sample)
            seed = f"forward/{sample.label}/{dtype}"
            tangents = asked.tangents(seed, names, dtype)
            made = rule.jvp(names, tangents)
            near = rule.near(dtype, f"{asked.name}/{seed}/near", names, made, rule.jvp, tangents)
            case = asked.given(dtype, names) | {f"{x}_tangent": written(value) for x, value in tangents.items()}
            case |= dtypes_of(asked, made, dtype)
            for name, value in made.items():
                asked.look(dtype, name, value, near[name])
                case |= {f"{name}_tangent": written(value), f"{name}_near": list(near[name])}
            case |= {f"{x}_value": written(value) for x, value in rule.forward(names).items() if x in rule.smooth}
            cases.append(case)
    single_output = len(rule.smooth) == 1
    returned = rule.smooth[0] if single_output else f"({', '.join(rule.smooth)})"
    lines = [
        *asked.inputs(lambda _: ""),
        *defined(asked, "f", [*asked.lines, f"return {returned}"]),
        f"values, tangents = func.jvp(f, {operands(asked)}, {tangents_of(asked)})",
    ]
    due: dict[str, Any] = {}
    for number, name in enumerate(rule.smooth):
        index = "" if single_output else f"[{number}]"
        due[f"values{index}"] = shown(f"{name}_value", f"{name}_near", asked.dtype_name(name))
        due[f"tangents{index}"] = shown(f"{name}_tangent", f"{name}_near", asked.dtype_name(name))
    claim = f"Forward mode gives the product of the Jacobian and the tangents: {one_line(asked)}."
    return Draft("forward", claim, (Step(run=body(lines), expect=due),), tuple(cases))


def defined(asked: Asked, name: str, lines: Sequence[str]) -> list[str]:
    return [f"def {name}({', '.join(asked.rule.active)}):", *indented(lines)]


def operands(asked: Asked) -> str:
    return f"({', '.join(asked.rule.active)},)"


def tangents_of(asked: Asked, suffix: str = "tangent") -> str:
    return f"({', '.join(f'tensor({x}_{suffix}, dtype=dtype)' for x in asked.rule.active)},)"


def curved_samples(asked: Asked) -> list[Sample]:
    """Of an elementwise operation two shapes, of any other all its cases, where they have elements."""
    full = [s for s in asked.samples if all(np.size(s.arrays[x]) for x in asked.rule.active)]
    return [full[0], *full[2:3]] if asked.row.is_elementwise else full[:4]


def loss(asked: Asked) -> str:
    """What second derivatives are taken of: not linear in the outputs, and not flat where they are 0."""
    if asked.is_complex:
        weights = {x: f"tensor({x}_weight, dtype={asked.dtype_name(x)})" for x in asked.rule.smooth}
        return " + ".join(f"real({weight} * ({x} * {x} + {x})).sum()" for x, weight in weights.items())
    return " + ".join(f"(tensor({x}_weight, dtype=dtype) * ({x} * {x} + {x})).sum()" for x in asked.rule.smooth)


def curved_cases(asked: Asked) -> tuple[dict[str, Any], ...]:
    """The cases that all four compositions of second order have."""
    rule, cases = asked.rule, []
    for sample in curved_samples(asked):
        for dtype in asked.full if sample is asked.samples[0] else asked.full[:1]:
            names = asked.at(dtype, sample)
            seed = f"second/{sample.label}/{dtype}"
            outputs = rule.forward(names)
            weights = asked.cotangents(seed, outputs, dtype)
            tangents = asked.tangents(seed, names, dtype)
            others = asked.tangents(f"{seed}/other", names, dtype)
            product, error, step = rule.curved(names, weights, tangents)
            if not error < WORST_ERROR:
                raise BadNumbers(
                    f"second derivatives at these inputs are known to {error:.0e} only: "
                    "keep inputs away from poles and kinks"
                )
            again = partial(rule.difference, weights=weights, step=step)
            near = rule.near(dtype, f"{asked.name}/{seed}/near", names, product, again, tangents)
            case = asked.given(dtype, names)
            case |= {f"{x}_weight": written(value) for x, value in weights.items()}
            case |= {f"{x}_tangent": written(value) for x, value in tangents.items()}
            total, bound = 0.0, 0.0
            slack = 10 * error * size_of(product)
            for x, value in product.items():
                case |= {f"{x}_second": written(value), f"{x}_near": [near[x].rtol, near[x].atol + slack]}
                total += float(np.sum(np.real(np.conj(value) * others[x])))
                bound += float(np.sum(np.abs(others[x]) * (near[x].atol + slack + near[x].rtol * np.abs(value))))
            case |= {f"{x}_other": written(value) for x, value in others.items()}
            if asked.is_complex:
                case |= dtypes_of(asked, outputs, dtype) | {"total_dtype": as_real(dtype)}
            cases.append(case | {"total": total, "total_near": [0.0, bound]})
    return tuple(cases)


def cut(cases: Sequence[dict[str, Any]], *endings: str) -> tuple[dict[str, Any], ...]:
    """Without the parameters of these endings, which a composition does not use."""
    return tuple({name: value for name, value in case.items() if not name.endswith(endings)} for case in cases)


def orders(asked: Asked) -> Iterator[Draft]:
    """The four compositions of second order; all of them give the same product with the Hessian."""
    rule = asked.rule
    if rule.active == () or "second" in asked.row.without:
        return
    cases = curved_cases(asked)
    if not any(np.any(case[f"{x}_second"]) for case in cases for x in rule.active):
        return  # as flat as floor and sign: engines say so in different ways
    made = asked.inputs(lambda _: "")
    function = defined(asked, "loss", [*asked.lines, f"return {loss(asked)}"])
    args, everything = operands(asked), ", ".join(map(str, range(len(rule.active)))) + ","
    due: dict[str, Expectation | Any] = {
        f"products[{n}]": shown(f"{x}_second", f"{x}_near") for n, x in enumerate(rule.active)
    }
    names = ", ".join(rule.active)
    programs = {
        "second": [
            *asked.inputs(lambda _: "True"),
            *asked.lines,
            f"first = grad([{loss(asked)}], [{names}], create_graph=True)",
            f"products = grad(first, [{names}], {tangents_of(asked).replace('(', '[', 1)[:-2]}])",
        ],
        "forward-over-reverse": [
            *made,
            *function,
            f"first, products = func.jvp(func.grad(loss, argnums=({everything})), {args}, {tangents_of(asked)})",
        ],
        "reverse-over-forward": [
            *made,
            *function,
            f"along = lambda {names}: func.jvp(loss, {args}, {tangents_of(asked)})[1]",
            f"products = func.grad(along, argnums=({everything}))({names})",
        ],
    }
    for aspect, lines in programs.items():
        if aspect not in asked.row.without:
            claim = f"The second derivative, {_COMPOSED[aspect]}: {one_line(asked)}."
            yield Draft(
                aspect,
                claim,
                (Step(run=body(lines), expect=due),),
                cut(cases, "_other", "total", "total_near", "total_dtype"),
            )
    if "forward-over-forward" not in asked.row.without:
        lines = [
            *made,
            *function,
            f"along = lambda {names}: func.jvp(loss, {args}, {tangents_of(asked)})[1]",
            f"total = func.jvp(along, {args}, {tangents_of(asked, 'other')})[1]",
        ]
        expected = {"total": shown("product", "total_near", "total_dtype" if asked.is_complex else "dtype")}
        renamed = tuple(
            {("product" if k == "total" else k): v for k, v in case.items()} for case in cut(cases, "_second")
        )
        kept = tuple({k: v for k, v in c.items() if not (k.endswith("_near") and k != "total_near")} for c in renamed)
        claim = f"The second derivative, {_COMPOSED['forward-over-forward']}: {one_line(asked)}."
        yield Draft("forward-over-forward", claim, (Step(run=body(lines), expect=expected),), kept)


_COMPOSED: Final = {
    "second": "reverse mode through reverse mode",
    "forward-over-reverse": "forward mode through reverse mode",
    "reverse-over-forward": "reverse mode through forward mode",
    "forward-over-forward": "forward mode through forward mode",
}


def points(asked: Asked) -> Iterator[Draft]:
    """Value and gradient at special inputs, by standing and range of releases."""
    rule, groups = asked.rule, dict[tuple[Any, ...], list[dict[str, Any]]]()
    for number, point in enumerate(asked.row.points):
        sample = point_sample(asked, f"point {number}", point.at)
        for dtype in point.dtypes:
            names = asked.at(dtype, sample)
            seed = f"{sample.label}/{dtype}"
            outputs = rule.forward(names)
            told = isinstance(point.gradient, dict)
            cotangents = (
                {x: np.ones(outputs[x].shape) for x in rule.smooth} if told else asked.cotangents(seed, outputs, dtype)
            )
            case = asked.given(dtype, names) | {f"{x}_cotangent": written(v) for x, v in cotangents.items()}
            case |= asked.outputs_at(dtype, seed, names)
            if isinstance(point.value, dict):
                case |= {f"{x}_value": held_as(value, dtype) for x, value in point.value.items()}
            computed = asked.gradients_at(dtype, seed, names, partial(rule.vjp, cotangents=cotangents))
            if isinstance(point.gradient, dict):
                computed |= {f"{x}_grad": held_as(value, dtype) for x, value in point.gradient.items()}
            case |= computed
            for name, near in case.items():
                if name.endswith("_near"):  # a 0 may come from numbers of ordinary size that cancel
                    case[name] = [near[0], max(near)]
            key = (point.standing, point.since, point.until, point.source, point.because)
            groups.setdefault(key, []).append(case)
    steps = (
        Step(run=body([*asked.inputs(lambda _: "True"), *asked.lines]), expect=asked.outputs_due()),
        Step(run=asked.pulled(), expect=asked.gradients_due()),
    )
    seen: dict[str, int] = {}
    for (standing, since, until, source, because), cases in groups.items():
        aspect = "points" if standing is Standing.EXACT else f"points-{standing.value}"
        seen[aspect] = seen.get(aspect, 0) + 1
        aspect += f"-{seen[aspect]}" if seen[aspect] > 1 else ""
        claim = f"{one_line(asked)} at zeros, kinks, ties and bounds. {because}".strip()
        yield Draft(aspect, claim, steps, tuple(cases), standing, since, until, source)


def point_sample(asked: Asked, label: str, at: Mapping[str, Any]) -> Sample:
    if missing := asked.rule.inputs.keys() - at.keys():
        raise BadNumbers(f"{label} does not say {', '.join(sorted(missing))}")
    arrays = {
        name: np.asarray(at[name], None if is_plain(given) else float) for name, given in asked.rule.inputs.items()
    }
    return Sample(label, arrays, {name: value for name, value in at.items() if name not in asked.rule.inputs})


def held_as(value: Any, dtype: str) -> Any:
    return written(drawing.held(np.asarray(value, float), dtype))


def hard(asked: Asked) -> Iterator[Draft]:
    """Value and gradient where textbook formulas lose accuracy, against exact numbers."""
    rule = asked.rule
    groups: dict[bool, list[dict[str, Any]]] = {}
    for number, point in enumerate(asked.row.hard):
        names = asked.at(point.dtype, point_sample(asked, f"hard point {number}", point.at))
        case = asked.given(point.dtype, names)
        near = [point.within, point.smallest]
        outputs = rule.forward(names)
        for x in rule.smooth:
            case[f"{x}_cotangent"] = point.cotangent.get(x, written(np.ones(outputs[x].shape)))
            case |= dtypes_of(asked, outputs, point.dtype)
            case[f"{x}_value"] = point.value.get(x, held_as(outputs[x], point.dtype))
            case[f"{x}_near"] = near
        for x in rule.active:
            case[f"{x}_grad"] = point.gradient.get(x)
            case[f"{x}_near"] = near
        groups.setdefault(point.stretch, []).append(case)
    steps = (
        Step(run=body([*asked.inputs(lambda _: "True"), *asked.lines]), expect=asked.outputs_due()),
        Step(run=asked.pulled(), expect=asked.gradients_due()),
    )
    for stretch, cases in groups.items():
        why = "; ".join(dict.fromkeys(point.why for point in asked.row.hard if point.stretch is stretch))
        claim = f"{one_line(asked)} is accurate where a textbook's formula is not: {why}."
        yield Draft(
            "accuracy" if stretch else "hard",
            claim,
            steps,
            tuple(cases),
            Standing.STRETCH if stretch else Standing.EXACT,
        )


def large(asked: Asked) -> Draft | None:
    """Many elements: of an elementwise operation the same few numbers again and again, of any other a case of its own."""
    if isinstance(asked.row.large, dict):
        return spacious(asked, asked.row.large)
    if not asked.row.is_elementwise:
        return None
    rule, count = asked.rule, asked.row.large or MANY
    sample, cases = asked.samples[0], []
    size = next(v.size for v in sample.arrays.values())
    times = -(-count // size)
    for dtype in asked.full:
        names = asked.at(dtype, sample)
        cotangents = asked.cotangents(f"large/{dtype}", rule.forward(names), dtype)
        pull = partial(_many, rule, times, cotangents)
        made = asked.gradients_at(dtype, f"large/{dtype}", names, pull)
        for x in rule.active:
            made[f"{x}_near"][0] += times * EPSILON_OF[dtype]  # as many terms as are added up
        cases.append(
            asked.given(dtype, names)
            | {f"{x}_cotangent": written(v) for x, v in cotangents.items()}
            | made
            | {"times": times}
        )
    lines = []
    for line in asked.inputs(lambda _: "True"):
        name = line.partition(" ")[0]
        lines += [f"{name}_leaf{line[len(name) :]}", f"{name} = {name}_leaf.repeat(times)"]
    out = rule.smooth[0]
    lines += [*asked.lines, f"{out}.backward(gradient=tensor({out}_cotangent, dtype=dtype).repeat(times))"]
    due = {f"{x}_leaf.grad": shown(f"{x}_grad", f"{x}_near") for x in rule.active}
    claim = f"At {count:,} elements the gradient is what it is at a few: {one_line(asked)}."
    return Draft("large", claim, (Step(run=body(lines), expect=due),), tuple(cases))


def spacious(asked: Asked, large: Mapping[str, Any]) -> Draft:
    rule, dtype = asked.rule, asked.full[0]
    names = asked.at(dtype, asked.sample("large", large, asked.sizes(large)))
    outputs = rule.forward(names)
    cotangents = asked.cotangents("large", outputs, dtype)
    case = (
        asked.given(dtype, names)
        | {f"{name}_cotangent": written(value) for name, value in cotangents.items()}
        | dtypes_of(asked, outputs, dtype)
        | asked.gradients_at(dtype, "large", names, partial(rule.vjp, cotangents=cotangents))
    )
    lines = [*asked.inputs(lambda _: "True"), *asked.lines, asked.pulled()]
    count = max(names[x].size for x in rule.active)
    claim = f"At {count:,} elements the gradient is what it is at a few: {one_line(asked)}."
    return Draft("large", claim, (Step(run=body(lines), expect=asked.gradients_due()),), (case,))


def value(asked: Asked) -> Draft:
    """An operation without a derivative: its value, which requires no grad."""
    rule, cases = asked.rule, []
    for dtype in asked.full:
        for sample in asked.samples:
            names = asked.at(dtype, sample)
            cases.append(asked.given(dtype, names) | asked.outputs_at(dtype, f"{sample.label}/{dtype}", names))
    if not rule.smooth and all(is_plain(given) for given in rule.inputs.values()):  # nothing has that dtype
        half = cases[: len(asked.samples)]
        cases = [{key: value for key, value in case.items() if key != "dtype"} for case in half]
    flags = {name: "True" for name, given in rule.inputs.items() if not is_plain(given)}
    lines = []
    for name, given in rule.inputs.items():
        lines.append(
            f"{name} = tensor({name}_in)"
            if is_plain(given)
            else f"{name} = tensor({name}_in, dtype=dtype, requires_grad={flags[name]})"
        )
    due = asked.outputs_due() | {f"{x}.requires_grad": False for x in rule.outputs}
    claim = f"{one_line(asked)} has no derivative: its result requires no grad."
    return Draft("value", claim, (Step(run=body([*lines, *asked.lines]), expect=due),), tuple(cases))


def drafts(name: str, rule: Rule) -> Iterator[Draft]:
    """Everything that is asked of a row."""
    asked = Asked(name, rule)
    if not rule.active:
        yield value(asked)
        return
    yield gradient(asked)
    for aspect in (twice, same, promotion, strided, expanded, large):
        if aspect.__name__ not in asked.row.without and (draft := aspect(asked)) is not None:
            yield draft
    if "alone" not in asked.row.without and len(rule.active) > 1:
        yield from (alone(asked, active) for active in rule.active)
    if "forward" not in asked.row.without and (draft := forward(asked)) is not None:
        yield draft
    yield from orders(asked)
    yield from points(asked)
    yield from hard(asked)


ASPECTS: Final = {
    "gradient": "value and gradients at every shape, in every dtype (halves where nothing is complex or solved with), "
    "for random, single, zero and nan cotangents, "
    "and for infinite ones where the derivative is a product",
    "value": "of an operation without a derivative: the value, and that it requires no grad",
    "twice": "two uses of the same operands add up, with other values in between",
    "alone": "each operand alone requires grad (`alone-x`)",
    "same": "one tensor as all operands of an elementwise operation",
    "promotion": "operands of different dtypes: each gradient has that of its operand "
    "(a convention: an engine may refuse to mix them)",
    "strided": "operands that are every second slice of a transposed tensor",
    "expanded": "operands that repeat one slice without holding it twice",
    "large": "many elements",
    "forward": "forward mode: the product of the Jacobian with tangents",
    **{aspect: f"second derivatives: {how}" for aspect, how in _COMPOSED.items()},
    "points": "special inputs, by standing (`points-rule`, `points-convention`)",
    "hard": "accuracy, where a textbook's formula has none",
    "accuracy": "the same where PyTorch has none either: recorded, not judged",
}
"""What is asked of a row."""
WITHOUT: Final = frozenset({*ASPECTS, *HALVES, "inf"})
"""What a row's ``without`` may name."""
