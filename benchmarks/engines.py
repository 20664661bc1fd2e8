"""How fast the reference is beside other engines and beside NumPy by hand, and what its graph costs in memory.

    python benchmarks/engines.py [--rounds 20] [--small]

Everything in one run, interleaved, so that the figures are ratios: a chain of operations on scalars, a step of a small
network, elementwise work on a million elements, a graph of a million nodes. Each is forward and backward, the result checked
against the gradient by hand. Engines that are not installed are left out. Times are minima over the rounds.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from harness import plugins

Arrays = list[NDArray[np.float64]]
Task = Callable[[], Any]

CHAIN, ELEMENTS, DEEP = 1_000, 1_000_000, 1_000_000
GENERATOR: Final = np.random.default_rng(0)
X: Final = GENERATOR.normal(size=(64, 32))
Y: Final = GENERATOR.normal(size=(64, 1))
W: Final[Arrays] = [GENERATOR.normal(size=(32, 64)) / 6, np.zeros(64), GENERATOR.normal(size=(64, 1)) / 8, np.zeros(1)]
LARGE: Final = GENERATOR.normal(size=ELEMENTS)


# ---- the same four tasks in each engine's own words: what comes back is the gradient (of the first parameter)


def by_hand(deep: int) -> dict[str, Task]:
    def chain() -> float:
        values = [0.5]
        for _ in range(CHAIN):
            values.append(math.sin(values[-1] * 1.01))
        cotangent = 1.0
        for value in reversed(values[:-1]):
            cotangent *= math.cos(value * 1.01) * 1.01
        return cotangent

    def network() -> Any:
        a = X @ W[0] + W[1]
        h = np.tanh(a)
        e = h @ W[2] + W[3] - Y
        g = 2 * e / e.size
        gh = (g @ W[2].T) * (1 - h * h)
        return [X.T @ gh, gh.sum(0), h.T @ g, g.sum(0)][0]

    def large() -> Any:
        s = np.sin(LARGE)
        return 2 * s * np.cos(LARGE) + np.exp(-LARGE) * -1.0

    return {"scalar chain": chain, "network": network, "1e6 elements": large}


def on_a_tape(tensor: Callable[..., Any], deep: int) -> dict[str, Task]:
    """Engines that are used as PyTorch is."""

    def chain() -> Any:
        x = tensor(0.5, requires_grad=True)
        v = x
        for _ in range(CHAIN):
            v = (v * 1.01).sin()
        v.backward()
        return x.grad

    def network() -> Any:
        w1, b1, w2, b2 = (tensor(w, requires_grad=True) for w in W)
        x, y = tensor(X), tensor(Y)
        e = (x @ w1 + b1).tanh() @ w2 + b2 - y
        (e * e).mean().backward()
        return w1.grad

    def large() -> Any:
        x = tensor(LARGE, requires_grad=True)
        s = x.sin()
        (s * s + (-x).exp()).sum().backward()
        return x.grad

    def deep_graph() -> Any:
        x = tensor(1.0, requires_grad=True)
        v = x
        for _ in range(deep):
            v = v + 1.0
        v.backward()
        return x.grad

    return {"scalar chain": chain, "network": network, "1e6 elements": large, "deep graph": deep_graph}


def with_autograd(deep: int) -> dict[str, Task]:
    import autograd.numpy as anp
    from autograd import grad

    def scalar(x: Any) -> Any:
        for _ in range(CHAIN):
            x = anp.sin(x * 1.01)
        return x

    def loss(w: Any) -> Any:
        e = anp.dot(anp.tanh(anp.dot(X, w[0]) + w[1]), w[2]) + w[3] - Y
        return anp.mean(e * e)

    def elementwise(x: Any) -> Any:
        s = anp.sin(x)
        return anp.sum(s * s + anp.exp(-x))

    def increments(x: Any) -> Any:
        for _ in range(deep):
            x = x + 1.0
        return x

    return {
        "scalar chain": lambda: grad(scalar)(0.5),
        "network": lambda: grad(loss)(W)[0],
        "1e6 elements": lambda: grad(elementwise)(LARGE),
        "deep graph": lambda: grad(increments)(1.0),
    }


def with_mygrad(deep: int) -> dict[str, Task]:
    import mygrad as mg

    def chain() -> Any:
        x = mg.tensor(0.5)
        v = x
        for _ in range(CHAIN):
            v = mg.sin(v * 1.01)
        v.backward()
        return x.grad

    def network() -> Any:
        w1, b1, w2, b2 = map(mg.tensor, W)
        e = mg.tanh(mg.matmul(X, w1) + b1) @ w2 + b2 - Y
        (e * e).mean().backward()
        return w1.grad

    def large() -> Any:
        x = mg.tensor(LARGE)
        s = mg.sin(x)
        (s * s + mg.exp(-x)).sum().backward()
        return x.grad

    return {"scalar chain": chain, "network": network, "1e6 elements": large}  # its backward recurses: no deep graph


def reference() -> Callable[..., Any]:
    names = plugins.load(plugins.find("reference"), None).engine.names
    make, dtype = names["tensor"], names["float64"]
    return lambda data, requires_grad=False: make(data, dtype=dtype, requires_grad=requires_grad)


def torch() -> Callable[..., Any]:
    import torch

    torch.set_num_threads(1)

    def make(data: Any, requires_grad: bool = False) -> Any:
        return torch.tensor(data, dtype=torch.float64, requires_grad=requires_grad)

    return make


def engines(deep: int) -> dict[str, dict[str, Task]]:
    makers: dict[str, Callable[[], dict[str, Task]]] = {
        "reference": lambda: on_a_tape(reference(), deep),
        "NumPy by hand": lambda: by_hand(deep),
        "PyTorch": lambda: on_a_tape(torch(), deep),
        "HIPS autograd": lambda: with_autograd(deep),
        "MyGrad": lambda: with_mygrad(deep),
    }
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ImportError:
            print(f"{name} is not installed here")
    return found


def value(gradient: Any) -> NDArray[np.float64]:
    return np.asarray(gradient.tolist() if hasattr(gradient, "tolist") else gradient, dtype=float)


def timed(task: Task) -> float:
    gc.collect()
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


def memory(tensor: Callable[..., Any]) -> None:
    """A graph holds the values it saved and little else; the reverse pass gives them back."""
    tracemalloc.start()
    x = tensor(LARGE, requires_grad=True)
    before = tracemalloc.get_traced_memory()[0]
    v = x
    for _ in range(10):
        v = v.sin()
    built = tracemalloc.get_traced_memory()[0]
    v.sum().backward()
    del v
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    size = LARGE.nbytes
    print(
        f"ten saved arrays hold {(built - before) / size:.2f} arrays; after backward {(after - before) / size:.2f} (the gradient)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--small", action="store_true", help="a deep graph of ten thousand nodes instead of a million")
    given = parser.parse_args()
    found = engines(10_000 if given.small else DEEP)
    tasks = list(found["reference"])
    due = {task: value(found["NumPy by hand"][task]()) for task in found["NumPy by hand"]}
    due["deep graph"] = np.asarray(1.0)
    for task in tasks:
        best: dict[str, float] = {}
        rounds = 1 if task == "deep graph" else given.rounds
        for _ in range(rounds):
            for name, own in found.items():
                if task in own:
                    best[name] = min(best.get(name, math.inf), timed(own[task]))
        for name, own in found.items():
            if task in own and task != "deep graph":
                np.testing.assert_allclose(value(own[task]()), due[task], rtol=1e-9, err_msg=f"{name}: {task}")
        mine = best["reference"]
        print(f"{task:14} reference {mine * 1e3:9.2f} ms", end="")
        print("".join(f"   {mine / seconds:6.2f} x {name}" for name, seconds in best.items() if name != "reference"))
    memory(reference())


if __name__ == "__main__":
    main()
