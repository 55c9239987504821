"""One process with one engine in it: started, spoken to, found dead, ended."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path

from msgspec import Struct

from sparq_vllm.messages import Ask, Failed, FromEngine, Open, Ready, from_engine, send

START = 3600.0
"""Most seconds an engine may take to load its model."""
GRACE = 10.0
"""Seconds a closed engine gets to end by itself."""
LOOK = 1.0
"""Seconds between two looks whether it is still alive."""
CAUSE = re.compile(r"\b((?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b: .+)")


class Launch(Struct, frozen=True):
    """How an engine process is started."""

    job: Open
    log: Path
    environment: Mapping[str, str]
    command: tuple[str, ...]
    """What is started; the descriptor of its socket is added."""


class DiedError(Exception):
    """The process is gone, or hangs; says why."""


class EngineProcess:
    """Everything it starts is in its process group, and ends with it."""

    def __init__(self, launch: Launch) -> None:
        self._log = launch.log
        self._link, theirs = Pipe()
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        with launch.log.open("ab") as log:
            self._log_from = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 -- our own command
                [*launch.command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **launch.environment},
                start_new_session=True,
            )
        theirs.close()
        self.pid = self._process.pid
        send(self._link, launch.job)

    def opened(self) -> Ready:
        """Wait until its engine is open; DiedError where it does not get there."""
        ready = self.next(START, idle=lambda: False)
        if isinstance(ready, Ready):
            return ready
        raise DiedError(self.cause(ready))

    def ask(self, asks: list[Ask]) -> None:
        """Send requests; where it is gone, `next` will notice."""
        with suppress(OSError):
            send(self._link, asks)

    def next(self, seconds: float, idle: Callable[[], bool]) -> FromEngine:
        """The next message; DiedError where the process is gone, or says nothing for so long while it is not idle."""
        began = time.monotonic()
        try:
            while not self._link.poll(LOOK):
                if self._process.poll() is not None and not self._link.poll():
                    raise DiedError(self.cause(None))
                if idle():
                    began = time.monotonic()
                elif time.monotonic() - began > seconds:
                    raise DiedError(f"no progress for {seconds:.0f} s")
            return from_engine(self._link)
        except (EOFError, OSError):
            raise DiedError(self.cause(None)) from None

    def cause(self, message: object) -> str:
        """The first error in its log, which is what led to all the others; else what it said, or how it ended."""
        with self._log.open("rb") as log:
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

    def close(self) -> None:
        """Let it end by itself, for a while."""
        self.ask([])
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """End it and everything it started; whoever waits for a message learns of it by the end of the stream."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
