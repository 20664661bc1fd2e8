"""One worker as the supervisor sees it: a process, three pipes, the runs that it was asked for, the last that it wrote."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness import protocol
from harness.execution import Job, Target
from harness.execution.machine import end
from harness.protocol import CapabilitiesAnswer, EngineOrder, Showed, Start, Unusable
from harness.text import clean

WORKER = Path(__file__).resolve().parent.parent / "worker"
TAIL = 16_000
"""Bytes of an engine's output that are kept, of which `Process.said` chooses."""
STACK = ("Fatal Python error", "Current thread", "Thread 0x")
BEFORE, AFTER = 8, 14
"""Lines of output that are shown before and after the head of a Python stack, which begins with where it is."""
CHUNK = 2**16
LONGEST = 256 * 2**20
"""Bytes of one message."""
THREADS = ("OMP", "OPENBLAS", "MKL", "VECLIB", "NUMEXPR")


class Garbage(Exception):
    """A worker wrote what it may not."""


class Process:
    """A worker. ``single``: it runs one job alone and ends; ``nursery``: it runs nothing itself, only in forks."""

    def __init__(self, target: int, told: Target, memory: int, *, single: bool = False, nursery: bool = False) -> None:
        self.target = target
        self.single = single
        self.nursery = nursery
        self.ready = False
        self.asked: deque[tuple[int, Job, bool]] = deque()
        """Runs without a result: (number, job, whether anybody asks for the result)."""
        self.history: list[Job] = []
        self.known: set[int] = set()
        self.dropped: set[int] = set()
        """Numbers of runs that somebody else does by now."""
        self.started = self.begun = time.monotonic()
        self.base = 0
        """Bytes that it held before its cases, once somebody looked."""
        self.worn = False
        """Whether its cases left so much in memory that others should not follow them."""
        self.tail = b""
        self.silent = False
        """Whether no answer can come any more."""
        self._received = bytearray()
        self._unsent = b""
        self._numbers = 0
        self.mark = f"HARNESS_WORKER={secrets.token_hex(8)}"
        environment = os.environ | {
            f"{name}_NUM_THREADS": "1" for name in THREADS if f"{name}_NUM_THREADS" not in os.environ
        }
        environment["HARNESS_WORKER"] = self.mark.partition("=")[2]
        self.ours = not told.command
        self.popen = subprocess.Popen(
            told.command or (told.python or sys.executable, str(WORKER)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=told.home or None if told.command else None,
            start_new_session=True,  # Ctrl-C is ours, and all that the worker starts can be ended with it
        )
        assert self.popen.stdin and self.popen.stdout and self.popen.stderr
        self.orders, self.answers = self.popen.stdin.fileno(), self.popen.stdout.fileno()
        self.output = self.popen.stderr.fileno()
        for pipe in (self.orders, self.answers, self.output):
            os.set_blocking(pipe, False)
        self.death = os.pidfd_open(self.popen.pid) if hasattr(os, "pidfd_open") else None
        adapter = told.adapter
        self.send(
            protocol.line(
                Start(
                    protocol=protocol.VERSION,
                    engine=EngineOrder(**adapter._asdict()),
                    device=told.device,
                    imports=list(told.imports),
                    graphs=told.graphs,
                    memory=memory,
                )
            )
        )

    # ---- orders

    def ask(self, jobs: list[Job], *, fork: bool = False) -> None:
        """Have ``jobs`` run in this order; of several, only the last one's result is asked for where ``fork`` or `single`."""
        if not self.asked:
            self.begun = time.monotonic()
        data = []
        runs = []
        for position, job in enumerate(jobs):
            if job.work.number not in self.known:
                self.known.add(job.work.number)
                data.append(protocol.program(job.work.number, job.work.program))
            self._numbers += 1
            runs.append(protocol.run(self._numbers, job.work.number, job.case))
            self.asked.append((self._numbers, job, position == len(jobs) - 1 or not (fork or self.single)))
        data += [protocol.line(protocol.Alone(runs=runs))] if fork else map(protocol.line, runs)
        self.send(b"".join(data))

    def send(self, data: bytes) -> None:
        self._unsent += data
        self.flush()

    def flush(self) -> None:
        """Write what the pipe takes now."""
        while self._unsent:
            try:
                self._unsent = self._unsent[os.write(self.orders, self._unsent) :]
            except BlockingIOError:
                return
            except OSError:  # it died; whoever reads will see
                self._unsent = b""

    @property
    def unsent(self) -> bool:
        return bool(self._unsent)

    # ---- answers

    def read(self) -> Iterator[CapabilitiesAnswer | Unusable | Showed]:
        """The messages that came, one by one. Raises `Garbage` behind those that were good."""
        while True:
            try:
                data = os.read(self.answers, CHUNK)
            except BlockingIOError:
                return
            if not data:
                self.silent = True
                return
            first, *others = data.split(b"\n")
            self._received += first
            if len(self._received) > LONGEST:
                raise Garbage("wrote without end where messages are due")
            for following in others:
                text, self._received = self._received, bytearray(following)
                try:
                    message = protocol.answer(bytes(text))
                except protocol.BadAnswer as error:
                    raise Garbage(f"wrote what is no message where messages are due: {clean(str(error))}") from None
                yield message
            if len(data) < CHUNK:
                return

    def listen(self) -> bool:
        """Take what the engine wrote to its output; False where nothing came."""
        try:
            data = os.read(self.output, 1 << 16)
        except BlockingIOError:
            return False
        self.tail = (self.tail + data)[-TAIL:]
        return bool(data)

    @property
    def said(self) -> str:
        """The last that the engine wrote; of the Python stacks in it, only the engine's own part."""
        lines = self.tail.decode("utf-8", "replace").strip().splitlines()
        ours = (f'File "{WORKER}', 'File "<frozen runpy>"')
        lines = [line for line in lines if not line.strip().startswith(ours)]
        stack = next((at for at, line in enumerate(lines) if line.startswith(STACK)), None)
        first = len(lines) - BEFORE - AFTER if stack is None else stack - BEFORE
        return "\n".join(line[:500] for line in lines[max(0, first) :][: BEFORE + AFTER])

    # ---- the end

    def stop(self) -> None:
        """Let it end by itself."""
        self.send(protocol.line(protocol.Stop()))
        with suppress(OSError):
            os.set_blocking(self.orders, True)
        with suppress(OSError):
            self.popen.stdin.close()  # type: ignore[union-attr]

    def kill(self, *, ask_where: bool = False) -> None:
        """End it and all that it started; ``ask_where``: have it write first where it is."""
        if ask_where and self.ours and self.popen.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGUSR1)
                patience = time.monotonic() + 0.3
                while time.monotonic() < patience:
                    if not self.listen():
                        time.sleep(0.01)
        end(self.popen.pid, self.mark)
        self.popen.wait()
        self.close()

    def close(self) -> None:
        """Let go of a process that is dead."""
        while self.death is not None and self.listen():
            pass
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        if self.death is not None:
            os.close(self.death)
            self.death = None

    def epitaph(self) -> str:
        """How it died, in words."""
        code = self.popen.wait()
        if code >= 0:
            return f"the engine's process ended by itself, with exit code {code}"
        try:
            name = signal.Signals(-code).name
            meaning = signal.strsignal(-code) or ""
        except ValueError:
            name, meaning = f"signal {-code}", ""
        return f"the engine's process died of {name}" + (f" ({meaning.lower()})" if meaning else "")
