"""What a program must leave as it found it: the engine's global state, as its adapter tells it, and that of the process.

Looked at after every case, so all of it is cheap: about two microseconds beside what the adapter's own `state` takes. Random
numbers are no fault (a layer draws its weights): their generators are put back and nobody is named."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import random
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from harness.engine import Engine
from harness.text import clean


class Watch:
    """Compares global state with how it was when the engine was ready, and puts back what is the process's own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.state: Mapping[str, Any] = engine.state()
        self.process = (sys.getrecursionlimit(), gc.isenabled(), sys.stdin, sys.stdout, sys.stderr)
        self.environment = dict(os.environ)
        self.here = _here()
        _listen()
        self.touches, self.imports = -1, _imports
        self.dice = [_python_dice()]

    def forked(self) -> None:
        """This process is a fork: Python has seeded `random` anew in it."""
        self.dice[0] = _python_dice()

    def leaks(self) -> list[str]:
        """What is not as it was, since the last call."""
        now = self.engine.state()
        for dice in self.dice:
            if dice.look() != dice.seen:
                dice.put_back()
        process = (sys.getrecursionlimit(), gc.isenabled(), sys.stdin, sys.stdout, sys.stderr)
        if now == self.state and process == self.process and self.touches == _touches:
            return _NONE
        found: list[str] = []
        if now != self.state:
            found += [
                clean(f"{name}: {_short(self.state.get(name))} became {_short(now.get(name))}")
                for name in {**self.state, **now}
                if self.state.get(name) != now.get(name)
            ]
            self.state = now
        return found + self._mended()

    def _mended(self) -> list[str]:
        """What is not as it was in this process, put back."""
        found: list[str] = []
        limit, collecting, *streams = self.process
        if sys.getrecursionlimit() != limit:
            found.append(f"sys.setrecursionlimit: {limit} became {sys.getrecursionlimit()}")
            sys.setrecursionlimit(limit)
        if gc.isenabled() != collecting:
            found.append(f"gc: {'on' if collecting else 'off'} became {'off' if collecting else 'on'}")
            (gc.enable if collecting else gc.disable)()
        if [sys.stdin, sys.stdout, sys.stderr] != streams:
            found.append("sys.stdin, sys.stdout or sys.stderr was replaced")
            sys.stdin, sys.stdout, sys.stderr = streams
        now = dict(os.environ)
        names = [name for name in {**self.environment, **now} if now.get(name) != self.environment.get(name)]
        if names and self.imports != _imports and not any(name in self.environment for name in names):
            # A part of the engine that was imported only now has set itself up: no doing of the program's.
            self.environment = now
        elif names:
            found.append(clean(f"os.environ: {', '.join(sorted(names)[:5])}"))
            os.environ.clear()
            os.environ.update(self.environment)
        if _here() != self.here:
            found.append(clean(f"the working directory became {_here()}"))
            if self.here is not None:
                os.chdir(self.here)
        if "numpy.random" in sys.modules and len(self.dice) == 1:
            self.dice.append(_numpy_dice(sys.modules["numpy.random"]))
        self.touches, self.imports = _touches, _imports
        return found


_NONE: list[str] = []
_TOUCHES = frozenset({"os.chdir", "os.putenv", "os.unsetenv", "import"})
"""What Python tells an audit hook of: the environment and the working directory need to be looked at only after these."""
_touches = _imports = 0


@cache
def _listen() -> None:
    """Count them, from the first call on; a hook cannot be taken away, so there is one for the whole process."""

    def asked(event: str, arguments: tuple[Any, ...]) -> None:
        global _touches, _imports
        if event in _TOUCHES:
            _touches += 1
            _imports += event == "import"

    sys.addaudithook(asked)


class _Dice(NamedTuple):
    """A generator of random numbers that everybody shares."""

    look: Callable[[], Any]
    """What shows that it was used."""
    seen: Any
    put_back: Callable[[], None]


def _python_dice() -> _Dice:
    """That of `random`: its memory (0.3 us) where it lies as expected, else its state (9 us), shows that it was used."""
    look: Callable[[], Any] = random.getstate
    state = random.getstate()
    generator: Any = getattr(random, "_inst", None)
    address, size = id(generator) + object.__basicsize__, 4 + 4 * 624
    if sys.implementation.name == "cpython" and sys.getsizeof(generator) >= object.__basicsize__ + size:
        # How far it is, and two words that change when it begins anew.
        memory = functools.partial(getattr, (ctypes.c_char * 12).from_address(address), "raw")
        random.setstate(state)
        before = memory()
        random.random()
        drawn = memory()
        random.setstate(state)
        if drawn != before == memory():
            look = memory
    return _Dice(look, look(), lambda: random.setstate(state))


def _numpy_dice(numpy_random: Any) -> _Dice:
    """NumPy's global generator: the memory whose address it publishes."""
    state = numpy_random.get_state()
    try:
        address = numpy_random.get_bit_generator().ctypes.state_address
    except AttributeError:  # before NumPy 1.24
        return _Dice(lambda: repr(numpy_random.get_state()), repr(state), lambda: numpy_random.set_state(state))

    memory = functools.partial(getattr, (ctypes.c_char * 12).from_address(address + 4 * 622), "raw")
    return _Dice(memory, memory(), lambda: numpy_random.set_state(state))


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
