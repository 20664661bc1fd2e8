"""An engine of scalars that misbehaves where a tensor gets a certain number, and at its start where HOSTILE_START says so.

Whatever it does is bounded by itself as well, so that a harness that does not stop it loses time and not the machine.
"""

from __future__ import annotations

import atexit
import ctypes
import itertools
import json
import mmap
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from harness.engine import NATIVE, Array, Observed, Opaque
from harness.engine import Engine as Base

PATIENCE = 25.0
"""Seconds after which what was meant to last for ever ends all the same."""
MOST = 700 * 2**20
"""Bytes after which what was meant to grow for ever stops growing."""
SLEEP = float(os.environ.get("HOSTILE_SLEEP", "0"))
planted: set[float] = set()
"""Hidden state: what earlier cases left."""
calls = itertools.count(1)


def loop() -> NoReturn:
    """Busy, in Python, until nobody can be waiting any more."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pass
    os._exit(99)


def wait() -> NoReturn:
    time.sleep(PATIENCE)
    os._exit(99)


def pipes() -> Iterator[int]:
    """Descriptors that are writable pipes, beside the three that everybody has: the protocol's is among them."""
    for number in range(3, 21):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}").startswith("pipe:") and os.access(
                f"/proc/self/fd/{number}", os.W_OK
            ):
                yield number


def write_to_pipes(data: bytes) -> None:
    time.sleep(0.2)  # what was answered before is read by now
    for number in pipes():
        with suppress(OSError):
            os.write(number, data)


def deadlock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=PATIENCE)
    os._exit(99)


def hold_the_gil() -> None:
    """In C, without a look at Python's signals: forty letters are a year of backtracking."""
    signal.alarm(int(PATIENCE))
    re.match(r"(a|a)*$", "a" * 40 + "b")


def fork_for_ever() -> None:
    while True:
        os.fork()


def fork_stubbornly() -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError):
            os.fork()
    os._exit(99)


def fork_behind_python() -> None:
    """Three hundred processes that no audit hook hears of."""
    fork = ctypes.CDLL(None).fork
    for _ in range(300):
        if fork() == 0:
            ctypes.CDLL(None).sleep(int(PATIENCE))
            os._exit(99)
    wait()


def grow() -> None:
    """Touch pages without end."""
    held = []
    for _ in range(MOST // 2**23):
        held.append(b"\1" * 2**23)
        time.sleep(0.002)
    wait()


kept: list[mmap.mmap] = []


def keep() -> None:
    """What an engine that compiles does with every new shape: a little more stays for later."""
    kept.append(mmap.mmap(-1, 2**24, flags=mmap.MAP_SHARED))
    kept[-1].write(b"\1" * 2**24)
    time.sleep(0.05)


def grow_shared() -> None:
    """The same in memory that no limit of the process counts."""
    held = []
    for _ in range(MOST // 2**23):
        held.append(mmap.mmap(-1, 2**23, flags=mmap.MAP_SHARED))
        held[-1].write(b"\1" * 2**23)
        time.sleep(0.002)
    wait()


def grow_in_children() -> None:
    for _ in range(4):
        if os.fork() == 0:
            held = mmap.mmap(-1, MOST // 4, flags=mmap.MAP_SHARED)
            held.write(b"\1" * (MOST // 4))
            wait()
    wait()


def flood(descriptor: int) -> None:
    block = b"all work and no play " * 50_000
    for _ in range(2**30 // len(block) + 1):
        left = memoryview(block)
        while left:
            left = left[os.write(descriptor, left) :]


def flood_the_channel() -> None:
    """Hundreds of megabytes without an end of line where messages are due."""
    for number in pipes():
        with suppress(OSError):  # one that is only read
            for _ in range(400):
                os.write(number, b"x" * 2**20)
    wait()


def later(what: Callable[[], object], seconds: float = 0.2) -> None:
    def act() -> None:
        time.sleep(seconds)
        what()

    threading.Thread(target=act, daemon=True).start()


def close_everything() -> None:
    os.closerange(0, 256)


def fork_and_return() -> None:
    """Both processes go on as if they were the one that was asked."""
    os.fork()


def become_a_daemon() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()


def upset() -> None:
    os.chdir(tempfile.gettempdir())
    os.environ["HOSTILE_WAS_HERE"] = "1"
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    warnings.simplefilter("error")
    sys.setrecursionlimit(5000)
    random.seed(7)
    os.umask(0o777)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def recurse() -> None:
    sys.setrecursionlimit(10**8)
    deep: Any = type("Deep", (), {"__repr__": lambda self: f"{[self]!r}"})()
    repr(deep)


def leave_a_grandchild(clean: bool) -> None:
    """One that has a session of its own and holds every pipe; ``clean``: and nothing of our environment."""
    deed = "try: os.write(2, b'still here ' * 5000)\n    except OSError: pass" if clean else "time.sleep(0.1)"
    code = f"import os, time\nos.setsid()\nend = time.time() + {PATIENCE}\nwhile time.time() < end:\n    {deed}"
    argument = os.environ.get("HOSTILE_MARK", "hostile")
    numbers = list(pipes())
    for number in numbers:
        os.set_inheritable(number, True)
    environment = {"PATH": os.environ.get("PATH", "")} if clean else None
    subprocess.Popen([sys.executable, "-c", code, argument], close_fds=False, env=environment)
    time.sleep(0.3)
    os._exit(0)


class Endless(Exception):
    def __str__(self) -> str:
        loop()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def throw(error: BaseException) -> Callable[[], NoReturn]:
    def act() -> NoReturn:
        raise error

    return act


def hang_at_exit() -> None:
    atexit.register(wait)
    threading.Thread(target=wait, daemon=False).start()


def patch_python() -> None:
    """Replace what a worker is likely to use."""
    json.loads = json.dumps = None  # type: ignore[assignment]
    json.JSONEncoder.encode = None  # type: ignore[assignment, method-assign]
    time.perf_counter = time.monotonic = lambda: "noon"  # type: ignore[assignment, return-value]


def patch_write() -> None:
    os.write = lambda descriptor, data: len(memoryview(data))


def half_a_line() -> None:
    write_to_pipes(b'{"message":"result","run":1,"seconds":')


def forge() -> None:
    write_to_pipes(b'{"message":"result","run":999999,"seconds":0.0,"steps":[]}\n')


def become_another() -> None:
    # Ten times: a limit is longer where the machine is slow.
    os.execv("/bin/sleep", ["sleep", str(10 * int(PATIENCE))])


def close_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()


def forget_modules() -> None:
    for name in [name for name in sys.modules if name.startswith(("harness", "json", "os", "signal", "faulthandler"))]:
        del sys.modules[name]


MISDEEDS: dict[float, Callable[[], object]] = {
    1001.0: lambda: ctypes.string_at(0),
    1002.0: os.abort,
    1003.0: lambda: os._exit(0),
    1004.0: lambda: os._exit(3),
    1005.0: loop,
    1006.0: deadlock,
    1007.0: hold_the_gil,
    1008.0: fork_for_ever,
    1009.0: grow_shared,
    1010.0: lambda: flood(1),
    1011.0: lambda: flood(2),
    1012.0: lambda: write_to_pipes(b"garbage\n"),
    1013.0: lambda: later(lambda: os.kill(os.getpid(), signal.SIGKILL)),
    1014.0: close_everything,
    1015.0: fork_and_return,
    1016.0: upset,
    1017.0: lambda: os.kill(os.getpid(), signal.SIGSTOP),
    1018.0: recurse,
    1019.1: throw(KeyboardInterrupt("of the engine")),
    1019.2: throw(SystemExit("of the engine")),
    1019.3: throw(GeneratorExit("of the engine")),
    1021.0: lambda: leave_a_grandchild(False),
    1022.0: hang_at_exit,
    1023.0: throw(Endless()),
    1024.1: patch_python,
    1024.2: patch_write,
    1025.0: half_a_line,
    1026.0: become_another,
    1027.0: lambda: leave_a_grandchild(True),
    1028.0: become_a_daemon,
    1029.0: grow,
    1030.0: grow_in_children,
    1031.0: fork_behind_python,
    1032.0: fork_stubbornly,
    1033.0: flood_the_channel,
    1034.0: forge,
    1035.0: throw(Unspeakable()),
    1036.0: close_streams,
    1037.0: forget_modules,
    1038.0: throw(ValueError("\0 \ud800 \x1b[2J \u202e\n::error::" + "long " * 10**6)),
    1039.0: lambda: print("last words", flush=True) or os.abort(),
}
"""What a tensor of a number does."""
PLANTS = (2001.0, 2002.0)
"""Numbers that are remembered."""


def remembering(data: float) -> float:
    """What state that nobody sees does to a value."""
    if data in PLANTS:
        planted.add(data)
    if data == 2010.0 and 2001.0 in planted:
        return -1.0
    if data == 2011.0 and planted.issuperset(PLANTS):
        return -1.0
    if data == 2012.0 and 2001.0 in planted:
        ctypes.string_at(0)
    if data == 2013.0 and next(calls) % 3 == 0:
        return -1.0
    if data == 2014.0 and next(calls) % 3 == 0:
        os.abort()
    return data


class Value:
    def __init__(self, data: float, requires_grad: bool = False, parents: tuple[Value, ...] = ()) -> None:
        self.data = data
        self.requires_grad: bool = requires_grad or any(p.requires_grad for p in parents)
        self.parents = parents
        self.pull: Callable[[float], tuple[float, ...]] = lambda g: ()
        self.grad: Value | None = None

    def _made(self, data: float, parents: tuple[Value, ...], pull: Callable[[float], tuple[float, ...]]) -> Value:
        out = Value(data, parents=parents)
        out.pull = pull
        return out

    def __mul__(self, other: Any) -> Value:
        o = other if isinstance(other, Value) else Value(other)
        return self._made(self.data * o.data, (self, o), lambda g: (g * o.data, g * self.data))

    __rmul__ = __mul__

    def __add__(self, other: Any) -> Value:
        o = other if isinstance(other, Value) else Value(other)
        return self._made(self.data + o.data, (self, o), lambda g: (g, g))

    def backward(self, gradient: float = 1.0) -> None:
        if self.requires_grad and not self.parents:
            self.grad = Value(gradient + (0.0 if self.grad is None else self.grad.data))
        for parent, part in zip(self.parents, self.pull(gradient), strict=False):
            parent.backward(part)


modes = {"mode": "calm"}


def tensor(data: Any, requires_grad: bool = False) -> Value:
    time.sleep(SLEEP)
    if data in MISDEEDS:
        MISDEEDS[data]()
    if 4000.0 <= data < 5000.0:
        keep()
    if data == 3001.0:
        modes["mode"] = "excited"
    if data == 3002.0:
        time.sleep(0.6)
    return Value(remembering(data), requires_grad)


def start(how: str) -> None:
    """At the engine's import. ``N:FILE`` lets N starts pass, which FILE counts, and dies at every later one;
    ``not N:FILE`` dies at the N-th."""
    match how.partition(":"):
        case ("", _, _):
            return
        case ("segfault", _, _):
            print("about to die", file=sys.stderr)
            ctypes.string_at(0)
        case ("exit", _, _):
            os._exit(3)
        case ("quiet", _, _):
            os._exit(0)
        case ("raise", _, _):
            raise RuntimeError("not today")
        case ("interrupt", _, _):
            raise KeyboardInterrupt
        case ("hang", _, _):
            wait()
        case (number, _, file):
            with open(file, "a", encoding="utf-8") as out:
                out.write("x")
            count = Path(file).stat().st_size
            if count == int(number[4:]) if number.startswith("not ") else count > int(number):
                os.abort()


start(os.environ.get("HOSTILE_START", ""))


class Engine(Base):
    names = {"tensor": tensor}
    attributes = dict.fromkeys(("requires_grad", "grad", "backward"), NATIVE)
    version = "1.0"

    def read(self, value: Any) -> Observed:
        if isinstance(value, Value):
            return Array("float64", (), value.data)
        return value if isinstance(value, (bool, int, float, str, type(None))) else Opaque(type(value).__name__)

    def state(self) -> Mapping[str, Any]:
        return dict(modes)
