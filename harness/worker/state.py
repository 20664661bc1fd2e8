"""What a program must leave as it found it: the engine's global state, as its adapter tells it, and that of the process.

Looked at after every case, so all of it is cheap: about two microseconds beside what the adapter's own `state` takes."""

from __future__ import annotations

import ctypes
import gc
import os
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

from harness.engine import Engine
from harness.text import clean


class Watch:
    """Compares global state with how it was when the engine was ready, and puts back what is the process's own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state: Mapping[str, Any] = engine.state()
        self.recursion = sys.getrecursionlimit()
        self.collecting = gc.isenabled()
        self.environment = dict(os.environ)
        self.variables = dict(_variables())
        self.here = _here()
        self.streams = sys.stdin, sys.stdout, sys.stderr
        self.dice = _python_dice()
        self.rolled = self.dice()
        self.numpy_dice: Callable[[], bytes] | None = None
        self.numpy_rolled = b""

    def forked(self) -> None:
        """This process is a fork: Python seeds `random` anew in it."""
        self.rolled = self.dice()

    def leaks(self) -> list[str]:
        """What is not as it was, since the last call."""
        found: list[str] = []
        now = self.engine.state()
        if now != self.state:
            found += [
                clean(f"{name}: {_short(self.state.get(name))} became {_short(now.get(name))}")
                for name in {**self.state, **now}
                if self.state.get(name) != now.get(name)
            ]
            self.state = now
        if self.dice() != self.rolled:
            self.rolled = self.dice()
            found.append("random: Python's random numbers were drawn or seeded")
        if self.numpy_dice is not None:
            if (rolled := self.numpy_dice()) != self.numpy_rolled:
                self.numpy_rolled = rolled
                found.append("numpy.random: NumPy's global random numbers were drawn or seeded")
        elif "numpy.random" in sys.modules:
            self.numpy_dice = _numpy_dice(sys.modules["numpy.random"])
            self.numpy_rolled = self.numpy_dice()
        if sys.getrecursionlimit() != self.recursion:
            found.append(f"sys.setrecursionlimit: {self.recursion} became {sys.getrecursionlimit()}")
            sys.setrecursionlimit(self.recursion)
        if gc.isenabled() != self.collecting:
            found.append(f"gc: {'on' if self.collecting else 'off'} became {'off' if self.collecting else 'on'}")
            (gc.enable if self.collecting else gc.disable)()
        if (sys.stdin, sys.stdout, sys.stderr) != self.streams:
            found.append("sys.stdin, sys.stdout or sys.stderr was replaced")
            sys.stdin, sys.stdout, sys.stderr = self.streams
        if _variables() != self.variables:
            both = {**self.environment, **os.environ}
            names = [name for name in both if os.environ.get(name) != self.environment.get(name)]
            found.append(clean(f"os.environ: {', '.join(sorted(names)[:5])}"))
            os.environ.clear()
            os.environ.update(self.environment)
        if _here() != self.here:
            found.append(clean(f"the working directory became {_here()}"))
            if self.here is not None:
                os.chdir(self.here)
        return found


def _variables() -> Mapping[Any, Any]:
    """The environment as it is stored, where Python lets one see it: comparing it decoded takes ten times as long."""
    stored = getattr(os.environ, "_data", None)
    return stored if isinstance(stored, dict) else dict(os.environ)


def _python_dice() -> Callable[[], Any]:
    """How to see that `random` was used: the generator's memory (0.3 us) where it lies as expected, else its state (9 us)."""
    generator: Any = getattr(random, "_inst", None)
    if sys.implementation.name == "cpython" and generator is not None:
        address, size = id(generator) + object.__basicsize__, 4 + 4 * 624

        def memory() -> bytes:
            return ctypes.string_at(address, size)

        if generator.__sizeof__() >= object.__basicsize__ + size:
            before, state = memory(), random.getstate()
            random.random()
            drawn = memory()
            random.setstate(state)
            if drawn != before == memory():
                return memory
    return random.getstate


def _numpy_dice(numpy_random: Any) -> Callable[[], bytes]:
    """The memory of NumPy's global generator, through the address that it publishes."""
    try:
        address = numpy_random.get_bit_generator().ctypes.state_address
        return lambda: ctypes.string_at(address, 4 * 624 + 4)
    except AttributeError:  # before NumPy 1.24, or another generator
        return lambda: repr(numpy_random.get_state()).encode()


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
