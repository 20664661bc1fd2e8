"""A worker's main loop: one message a line, orders on stdin, answers on what was stdout. ``docs/protocol.md`` has the words.

The engine gets neither: its stdin is empty, and what it prints goes to stderr.
"""

from __future__ import annotations

import gc
import hashlib
import json
import marshal
import os
import platform
import signal
import sys
import threading
from typing import Any, BinaryIO

from harness import interrupts
from harness.cache import Store, stamp
from harness.capabilities import words_of
from harness.engine import NATIVE, Engine, EngineUnusable
from harness.language import compile as compiler
from harness.language import export
from harness.text import clean
from harness.worker import limits, loading, wire
from harness.worker.host import Heard, Host, Loaded, listening
from harness.worker.loading import Adapter

PROTOCOL = "1.0"
"""Version of the protocol that this worker speaks."""
_loads, _to_channel, _who, _leave = json.loads, os.write, os.getpid, os._exit
"""As they were before an engine could put something else in their place."""
ENDED = 77
"""Exit code of a fork that did all it was asked."""


def main() -> None:
    """Serve until the orders end."""
    limits.die_with_the_supervisor()
    limits.tell_where_it_hangs()
    limits.no_core_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's
    interrupts.are_the_engines()
    orders, answers = _channel()
    forks = limits.Forks()
    worker = None
    with listening() as heard:
        for text in orders:
            message = _loads(text)
            if message["message"] == "stop":
                break
            if message["message"] != "start":
                assert worker is not None, "the first order is 'start'"
                worker.serve(message)
                continue
            try:
                worker = Worker(message, answers, heard, forks)
            except EngineUnusable as error:
                _write(answers, wire.line({"message": "unusable", "reason": clean(str(error))}))
    if worker is not None:
        worker.store.save()
    os._exit(0)  # whatever the engine would like to do at the end


def _channel() -> tuple[BinaryIO, int]:
    """Take stdin and stdout for the protocol, and leave the engine an empty stdin, and stderr for its stdout."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    return orders, answers


def _write(channel: int, data: bytes) -> None:
    while data:
        data = data[_to_channel(channel, data) :]


class Worker:
    """An engine that is ready, and the programs that it was given."""

    def __init__(self, start: dict[str, Any], answers: int, heard: Heard, forks: limits.Forks) -> None:
        self.answers = answers
        self.forks = forks
        self.process = os.getpid()
        adapter = Adapter(**start["engine"])
        if adapter.folder is None and os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())  # last, so that no folder here stands in the way of an installed package
        engine, version = loading.load(adapter, start["device"], start["imports"])
        try:
            self.host = Host(engine, heard, start["graphs"])
        except Exception as error:
            raise EngineUnusable(f"engine {adapter.name} cannot be used: {loading.where(error)}") from None
        self.engine = engine
        self.store = Store(f"programs-{sys.implementation.cache_tag}")
        self.key = hashlib.sha256(stamp() + _natives(engine))
        self.told: dict[int, bytes] = {}
        self.loaded: dict[int, Loaded] = {}
        self.ready_to_fork: set[int] = set()
        """Programs whose words have imported what they need."""
        words = words_of(engine)
        self.answer(
            {
                "message": "capabilities",
                "protocol": PROTOCOL,
                "version": version,
                "runtime": platform.python_version(),
                "names": sorted(words.names),
                "attributes": sorted(words.attributes),
                "settable": sorted(words.settable),
                "forks": hasattr(os, "fork") and start["device"] in (None, "cpu") and _alone(),
            }
        )
        limits.limit_memory(start["memory"])
        gc.collect()
        gc.freeze()  # the engine's modules are no garbage: looking through them again and again costs a case a third

    def answer(self, message: dict[str, Any]) -> None:
        _write(self.answers, wire.line(message))

    def serve(self, order: dict[str, Any]) -> None:
        match order["message"]:
            case "program":
                self.loaded[order["program"]] = self.load(order)
            case "run":
                self.run(order)
            case "alone":
                self.alone(order["runs"])
            case other:
                raise SystemExit(f"worker: {other!r} is no order of protocol {PROTOCOL}")

    def load(self, order: dict[str, Any]) -> Loaded:
        """A program, compiled; from the cache where it was compiled before."""
        mixed = self.key.copy()
        mixed.update(order["digest"].encode())
        key = mixed.digest()
        kept = self.store.get(key)
        if kept is None:
            code = compiler.code(export.read(order), self.engine)
            self.store.put(key, marshal.dumps(code))
        else:
            code = marshal.loads(kept)
        plan = [(step["raises"], len(step["observe"])) for step in order["steps"]]
        return self.host.bind(order["id"], order["file"], plan, order["watch"], code)

    def run(self, order: dict[str, Any]) -> None:
        self.forks.forget()
        values = wire.parameters(order["values"], order["types"], self.engine.names)
        seen = self.host.run(self.loaded[order["program"]], values)
        if _who() != self.process:
            _leave(0)  # the program forked, and this is not the process that was asked
        _write(self.answers, wire.result(order["run"], seen))

    def alone(self, runs: list[dict[str, Any]]) -> None:
        """The runs in a process of their own, which begins as this one is: nothing has run in it."""
        for number in {order["program"] for order in runs} - self.ready_to_fork:
            self.ready_to_fork.add(number)
            self.engine.before_fork(compiler.words(self.loaded[number].runner))
        self.forks.own = True
        child = os.fork()
        self.forks.own = False
        if child == 0:
            limits.die_with_the_supervisor()
            self.process = os.getpid()
            self.host.watch.forked()
            for order in runs:
                self.run(order)
            os._exit(ENDED)
        limits.tell_where_it_hangs(asked=False)
        _, status = os.waitpid(child, 0)
        limits.tell_where_it_hangs()
        if os.WIFSIGNALED(status):
            _die_of(os.WTERMSIG(status))
        elif os.WEXITSTATUS(status) != ENDED:
            os._exit(os.WEXITSTATUS(status))


def _die_of(number: int) -> None:
    """End as a fork did, so that the supervisor sees how."""
    import faulthandler

    faulthandler.disable()
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _natives(engine: Engine) -> bytes:
    """All of an engine that compiled programs depend on."""
    return repr(sorted(word for word, value in engine.attributes.items() if value is NATIVE)).encode()


def _alone() -> bool:
    """Whether this process has one thread, so that a fork of it is whole."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return threading.active_count() == 1
