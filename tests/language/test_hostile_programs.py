"""Programs from strangers never execute code of their own and cannot exhaust the machine."""

from __future__ import annotations

import time

import pytest

from harness.language.documents import Place
from harness.language.program import Scope, Source, parse
from harness.problems import Problem
from harness.record import Status
from tests.conftest import Judge, SpecFile

REFUSED = {
    "import": "import os",
    "from import": "from os import system",
    "dunder attribute": "x = tensor(1.)\ny = x.__class__",
    "dunder chain": "y = ().__class__.__bases__[0].__subclasses__()",
    "private attribute": "x = tensor(1.)\ny = x._version",
    "attribute of a module": "x = tensor(1.)\ny = x.os",
    "dunder name": "y = __import__",
    "dunder call": "y = __import__('os')",
    "assigned dunder": "__builtins__ = 1",
    "dunder in a comprehension": "y = [1 for __x in range(2)]",
    "dunder parameter": "def f(__x):\n    return 1",
    "eval": "eval('1')",
    "exec": "exec('1')",
    "open": "open('/etc/passwd')",
    "getattr": "getattr(1, 'x')",
    "globals": "globals()",
    "print": "print(1)",
    "type": "type(1)",
    "lambda with a default": "f = lambda x=1: x",
    "lambda with *": "f = lambda *x: x",
    "unknown in a lambda": "f = lambda: unknown",
    "while": "while True:\n    pass",
    "try": "try:\n    pass\nexcept Exception:\n    pass",
    "raise without a text": "raise ValueError",
    "raise of a class": "raise KeyboardInterrupt('x')",
    "raise from": "raise ValueError('x') from None",
    "raise of a number": "raise ValueError(1)",
    "assert": "assert 1",
    "del of a word": "del tensor",
    "del of an attribute": "x = tensor(1.)\ndel x.grad",
    "use after del": "x = 1\ndel x\ny = x",
    "global": "def f():\n    global x\n    x = 1",
    "nonlocal": "def f():\n    nonlocal x\n    x = 1",
    "async": "async def f():\n    pass",
    "yield": "def f():\n    yield 1",
    "await": "def f():\n    await x",
    "walrus": "y = (x := 1)",
    "starred": "x = [1]\ny = [*x]",
    "double star": "x = tensor(**y)",
    "f-string": "x = 1\ny = f'{x}'",
    "format": "y = '{0.__class__}'.format(1)",
    "format_map": "y = '{a}'.format_map([])",
    "join": "y = ''.join([])",
    "dict of numbers": "x = {1: 2}",
    "dict of computed keys": "x = {len([1]): 2}",
    "dict unpacked": "x = {'a': 1}\ny = {**x}",
    "set": "x = {1}",
    "generator": "y = list(i for i in range(3))",
    "decorator": "@tensor\ndef f():\n    pass",
    "default argument": "def f(x=[]):\n    return x",
    "varargs": "def f(*x):\n    return x",
    "class in a def": "def f():\n    class A(Function):\n        def forward(ctx, x):\n            return x",
    "unknown word of a namespace": "y = func.system(1)",
    "namespace by itself": "y = func",
    "namespace as a name": "func = 1",
    "member of a member of a word": "y = func.grad.__globals__",
    "direct recursion": "def f(x):\n    return f(x)",
    "mutual recursion": "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)",
    "class of one's own": "class A:\n    pass",
    "class of another base": "class A(Tensor):\n    pass",
    "metaclass": "class A(Function, metaclass=Tensor):\n    pass",
    "code in a class": "class A(Function):\n    x = tensor(1.)",
    "dunder method": "class A(Function):\n    def __init__(self):\n        pass",
    "with a file": "with open('x'):\n    pass",
    "with as a pair": "with no_grad() as (x, y):\n    pass",
    "with a function": "def f():\n    return no_grad()\nwith f():\n    pass",
    "dunder method of a module": "class A(Module):\n    def __reduce__(self):\n        pass",
    "decorated by a function": "def f(g):\n    return g\n@f\ndef h():\n    pass",
    "computed default": "def f(x=tensor(1.)):\n    return x",
    "shadowed word": "tensor = 1",
    "shadowed builtin": "range = 1",
    "shadowed python builtin": "print = 1",
    "shadowed parameter": "def f(len):\n    return len",
    "shadowing def": "def tensor(x):\n    return x",
    "shadowing class": "class tensor(Function):\n    pass",
    "shadowing loop": "for range in [1]:\n    pass",
    "shadowing comprehension": "y = [1 for range in [1]]",
    "redefined function": "def f():\n    return 1\nf = 2",
    "huge integer": "x = " + "9" * 30,
    "enormous integer": "x = " + "9" * 10_000,
    "long text": "x = '" + "a" * 300 + "'",
    "bytes": "x = b'a'",
    "deep parentheses": "x = " + "(" * 500 + "1" + ")" * 500,
    "deep signs": "x = " + "-" * 10_000 + "1",
    "deep lists": "x = " + "[" * 90 + "]" * 90,
    "deep attributes": "x = tensor(1.)\ny = x" + ".grad" * 100,
    "long chain": "x = " + " + ".join(["1"] * 3000),
    "many statements": "\n".join(f"x{i} = 1" for i in range(3000)),
    "long program": "x = 1 # " + "a" * 30_000,
    "null byte": "x = 1\0",
    "matrix of shifts": "x = 1 << 100",
    "in": "x = 1 in [1]",
    "attribute that cannot be set": "x = tensor(1.)\nx.shape = 1",
    "method by assignment": "x = tensor(1.)\nx.backward = 1",
    "append to a parameter": "x = tensor(1.)\nx.append(1)",
    "a word as a value": "x = tensor",
    "match": "match 1:\n    case 1:\n        pass",
    "type alias": "type X = int",
    "return at the top": "return 1",
    "star target": "a, *b = [1, 2]",
    "loop else": "for i in range(2):\n    pass\nelse:\n    pass",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_runs(name: str) -> None:
    """Every construct outside of the language is a message with a place, in no time, and no tree comes out."""
    problems: list[Problem] = []
    begun = time.perf_counter()
    tree = parse(Source(REFUSED[name], "f.yaml", Place(1, 1)), Scope(), problems)
    assert tree is None
    assert problems and all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    assert time.perf_counter() - begun < 20


BOUNDED = {
    "huge range": "for i in range(10 ** 9):\n  x = i",
    "range of huge numbers": "for i in range(10 ** 60, 10 ** 60 + 1):\n  x = i",
    "nested loops": "for i in range(9999):\n  for j in range(9999):\n    x = j",
    "comprehension bomb": "y = [[k for k in range(9999)] for j in range(9999)]",
    "doubling list": "y = [1]\nfor i in range(60):\n  y = y + y",
    "doubling list in place": "y = [1]\nfor i in range(60):\n  y += y",
    "repeated list": "y = [0] * 10 ** 9",
    "repeated list from the left": "y = 10 ** 9 * [0]",
    "tower of powers": "y = 9 ** 9 ** 9",
    "power in place": "y = 9\ny **= 9 ** 7",
    "squaring": "y = 9\nfor i in range(100):\n  y = y * y",
    "squaring in place": "y = 9\nfor i in range(100):\n  y *= y",
    "squaring in a list": "y = [9]\nfor i in range(100):\n  y[0] *= y[0]",
    "repeated text": "y = 'a' * 10 ** 9",
    "formatted text": "y = '%999999999d' % 1",
    "added texts": "y = 'a' + 'b'",
    "huge tensor": "y = zeros(10 ** 5, 10 ** 5)",
    "huge tensor from literals": "y = zeros(100000, 100000)",
    "huge layer": "y = Linear(100000, 100000)",
    "outer product": "x = ones(60000)\ny = ones(60000, 1)\nz = x * y",
    "outer product in steps": "x = ones(4000)\ny = x[None] * x.view(4000, 1)\nz = y.view(1, 16000000) * x.view(4000, 1)",
    "outer product by name": "x = ones(60000)\ny = ones(60000, 1)\nz = mul(x, y)",
    "outer product by method": "x = ones(60000)\ny = ones(60000, 1)\nz = x.mul(y)",
    "exponential calls": "def a(x):\n  return x\n"
    + "".join(f"def {chr(98 + i)}(x):\n  return [{chr(97 + i)}(x), {chr(97 + i)}(x)]\n" for i in range(20))
    + "y = u(1)",
    "recursion through an argument": "def f(g):\n  return g(g)\ny = f(f)",
    "recursion through a name": "def f(x):\n  return g(x)\ng = f\ny = f(1)",
    "recursion of lambdas": "f = lambda g: g(g)\ny = f(f)",
    "exponential lambdas": "a = lambda x: x\n"
    + "".join(f"{chr(98 + i)} = lambda x: [{chr(97 + i)}(x), {chr(97 + i)}(x)]\n" for i in range(20))
    + "y = u(1)",
    "recursion of a def in a def": "def f(g):\n  def h():\n    return g(g)\n  return h()\ny = f(f)",
    "dictionary in itself": "x = {'a': 1}\nx['b'] = x",
    "list in itself through a dictionary": "x = [1]\ny = {'a': x}\nx.append(y)",
    "a hook that calls backward": (
        "x = tensor(1., requires_grad=True)\ny = x * x\ndef again(g):\n  with enable_grad():\n    (x * x).backward()\n"
        "h = x.register_hook(again)\ny.backward()"
    ),
}


BOUNDED_ON_TORCH = {
    "huge eye": "y = eye(100000)",
    "huge expansion": "y = ones(10).expand(100000, 1000, 10) + 1",
    "huge arange": "y = arange(0., 1., 1e-12)",
    "huge full": "y = full([100000, 100000], 0)",
    "doubling by cat": "x = ones(4)\nfor i in range(60):\n  x = cat([x, x])",
    "doubling by stack": "x = ones(4)\nfor i in range(60):\n  x = stack([x, x])",
    "huge jacobian": "y = functional.jacobian(lambda x: x, ones(100000))",
    "huge diagonal": "x = diag(ones(1), 10 ** 6)",
    "outer product by its method": "x = ones(60000)\ny = x.outer(x)",
    "outer product with a keyword": "x = ones(60000)\ny = ones(60000, 1)\nz = maximum(x, other=y)",
    "outer product of the third operand": "x = ones(60000)\ny = ones(60000, 1)\nz = addcmul(tensor(1.), x, y)",
    "outer product of a linear map": "z = linear(ones(60000, 1), ones(60000, 1))",
    "product of Kronecker": "x = ones(30)\nfor i in range(30):\n  x = kron(x, x)",
    "outer product by einsum": "x = ones(300)\nz = einsum('i,j,k->ijk', x, x, x)",
    "huge margins": "z = conv2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2), padding=100000)",
    "huge image": "z = interpolate(ones(1, 1, 2, 2), scale_factor=10000)",
    "huge grid": "z = meshgrid(ones(60000), ones(60000), indexing='ij')",
    "huge transform": "z = fft.fft(ones(2), n=10 ** 9)",
    "huge repetition": "z = repeat_interleave(ones(2), 10 ** 9)",
    "huge repetition by a tensor": "z = repeat_interleave(ones(2), tensor([10 ** 9, 1]))",
    "huge class": "z = one_hot(tensor([10 ** 9]), -1)",
    "doubling by cat with a keyword": "x = ones(4)\nfor i in range(60):\n  x = cat(tensors=[x, x])",
    "recursion of derivatives": "f = lambda x: x ** 30\nfor i in range(40):\n  f = func.grad(f)",
}


@pytest.mark.parametrize("name", [*BOUNDED, *BOUNDED_ON_TORCH])
def test_bounded_while_it_runs(name: str, spec_file: SpecFile, judge: Judge) -> None:
    """What grows only when it runs is stopped, quickly; it is the spec's fault and never the engine's."""
    program = "".join(f"  {line}\n" for line in (BOUNDED | BOUNDED_ON_TORCH)[name].splitlines())
    begun = time.perf_counter()
    engine = "reference" if name in BOUNDED else "torch"
    run = judge(spec_file(f"run: |\n{program}  done = 1\nexpect: {{done: 1}}"), engine=engine)
    assert time.perf_counter() - begun < 20
    (case,) = run.cases.values()
    assert case.status is Status.ERROR, case
    assert "beyond the bounds" in case.reason


def test_bounds_hold_inside_an_expected_error(spec_file: SpecFile, judge: Judge) -> None:
    """A program that runs out of bounds where an error is due has not raised that error."""
    run = judge(spec_file("run: y = 9 ** 9 ** 9\nraises: graph-freed"))
    (case,) = run.cases.values()
    assert case.status is Status.ERROR


def test_parameters_are_not_shared_between_cases(spec_file: SpecFile, judge: Judge) -> None:
    """A program that writes into a list parameter does not change what the next run sees."""
    run = judge(spec_file("cases: [{a: [1, 2]}]\nrun: |\n  b = a\n  b[0] = b[0] + 1\nexpect: {b: [2, 2]}"))
    assert [case.status for case in run.cases.values()] == [Status.PASS]
