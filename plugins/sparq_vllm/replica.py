"""One engine process: started, watched, and started again with the same requests when it dies or hangs."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct

import sparq_core as sparq
from sparq_vllm.messages import Answers, Ask, Failed, FromEngine, Open, Ready, from_engine, send

Completions = list[sparq.Completion]

START = 3600.0
"""Most seconds an engine may take to load its model."""
GRACE = 10.0
"""Seconds a closed engine gets to end by itself."""
CAUSE = re.compile(r"\b((?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b: .+)")


class Launch(Struct, frozen=True):
    """How an engine process is started, and how long one is waited for."""

    place: str
    """Where the pipeline names the model, for errors."""
    job: Open
    log: Path
    environment: Mapping[str, str]
    stall: float
    """Seconds without a sign of life after which it is started again."""
    restarts: int
    """How often one request may see its engine die, and how often an engine may die in a row without an answer."""
    command: tuple[str, ...]
    """What is started; the descriptor of its socket is added."""


class Pending:
    """A request on its way, and the engines that died with it."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.deaths = 0
        self.answer: Future[Completions] = Future()


class DiedError(Exception):
    """The engine's process is gone or hangs."""


class Replica:
    """One engine and the requests it works on."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self.load = 0
        """Sequences that are not answered yet."""
        self._closed, self._failure = False, ""
        self._deaths: list[str] = []
        self._in_a_row = 0
        self._connection: Connection | None = None
        try:
            self.ready = self._start()
        except DiedError as death:
            self._end()
            raise sparq.SparqError(f"{launch.place}: vLLM did not start: {death}; its log is {launch.log}") from None
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"sparq-{launch.log.stem}")
        self._thread.start()

    def submit(self, pendings: list[Pending]) -> None:
        """Hand requests over; their futures get the answers, or the failure that stops the run."""
        with self._lock:
            if self._failure:
                raise sparq.SparqError(self._failure)
            self._pending |= {pending.ask.id: pending for pending in pendings}
            self.load += sum(pending.ask.n for pending in pendings)
            if self._connection:
                self._send(self._connection, [pending.ask for pending in pendings])

    def close(self) -> None:
        """End the engine; it frees its memory before this returns."""
        self._closed = True
        with self._lock:
            if self._connection:
                with suppress(OSError):
                    send(self._link, [])
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._end()
        self._thread.join()

    # -- the process ---------------------------------------------------------------------------------------------------

    def _start(self) -> Ready:
        """A new process with an open engine."""
        ours, theirs = Pipe()
        self._launch.log.parent.mkdir(parents=True, exist_ok=True)
        with self._launch.log.open("ab") as log:
            self._log_from = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 -- our own command
                [*self._launch.command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._launch.environment},
                start_new_session=True,
            )
        theirs.close()
        self._link = ours
        send(ours, self._launch.job)
        ready = self._next(START)
        if not isinstance(ready, Ready):
            raise DiedError(self._cause(ready))
        with self._lock:
            self._connection = ours
            self._send(ours, [pending.ask for pending in self._pending.values()])
        return ready

    def _watch(self) -> None:
        """Resolve answers as they come; after a death, begin again with what is not answered."""
        try:
            while not self._closed:
                self._listen_until_death()
        except Exception as bug:
            self._fail(f"{self._launch.place}: {bug!r}")
            raise

    def _listen_until_death(self) -> None:
        try:
            if self._connection is None:
                self._start()
            self._listen()
        except DiedError as death:
            self._end()
            if not self._closed and not self._may_go_on(str(death)):
                self._closed = True

    def _listen(self) -> None:
        while True:
            message = self._next(self._launch.stall)
            if isinstance(message, Answers):
                self._in_a_row *= not message.done
                for id_, completions in message.done:
                    with self._lock:
                        pending = self._pending.pop(id_)
                        self.load -= pending.ask.n
                    pending.answer.set_result(completions)
            elif isinstance(message, Failed):
                raise DiedError(self._cause(message))

    def _next(self, seconds: float) -> FromEngine:
        """The next message; DiedError where the process is gone, or silent for too long while it has work."""
        began = time.monotonic()
        try:
            while not self._link.poll(1.0):
                if self._process.poll() is not None and not self._link.poll():
                    raise DiedError(self._cause(None))
                if self._connection and not self._pending:
                    began = time.monotonic()
                elif time.monotonic() - began > seconds:
                    raise DiedError(f"no progress for {seconds:.0f} s")
            return from_engine(self._link)
        except (EOFError, OSError):
            raise DiedError(self._cause(None)) from None

    def _may_go_on(self, cause: str) -> bool:
        """Whether what was asked may be asked again; else it fails, and so does whatever is asked later."""
        self._deaths.append(cause)
        self._in_a_row += 1
        with self._lock:
            for pending in self._pending.values():
                pending.deaths += 1
            most = max((pending.deaths for pending in self._pending.values()), default=0)
        if max(most, self._in_a_row) <= self._launch.restarts:
            return True
        times = "" if len(self._deaths) == 1 else f" {len(self._deaths)} times, at first"
        self._fail(
            f"{self._launch.place}: the vLLM engine died{times}: {self._deaths[0]}; its log is {self._launch.log}. "
            "What was committed is kept: mend the cause, then --resume"
        )
        return False

    def _fail(self, failure: str) -> None:
        with self._lock:
            self._failure = failure
            failed, self._pending = list(self._pending.values()), {}
        for pending in failed:
            pending.answer.set_exception(sparq.SparqError(failure))

    def _cause(self, message: object) -> str:
        """The first error in the process's log, which is what led to all the others; else what it said, or how it ended."""
        with self._launch.log.open("rb") as log:
            log.seek(self._log_from)
            found = CAUSE.search(log.read().decode(errors="replace"))
        if found:
            return found[1].strip()
        if isinstance(message, Failed):
            return message.cause
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "it does not answer"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def _end(self) -> None:
        """End the process and everything it started."""
        self._hang_up()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _hang_up(self) -> None:
        with self._lock:
            self._connection = None
        self._link.close()

    def _send(self, connection: Connection, asks: list[Ask]) -> None:
        """What cannot be sent stays pending; whoever listens notices the death."""
        if asks:
            with suppress(OSError):
                send(connection, asks)
