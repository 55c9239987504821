"""
What signals do to a run.

Where nothing is at work yet the first one ends the command. A run drains: its steps at work are finished and committed, as
far as they can be within a stated time. A second one ends everything at once.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import NoReturn

from rich.console import Console

from sparq_core.cli.signals import AT_ONCE, SAME, handled
from sparq_core.cli.wording import block
from sparq_core.contract import workers
from sparq_core.contract.errors import Interrupted
from sparq_core.loop.rounds import exit_code
from sparq_core.loop.stops import INTERRUPTED
from sparq_core.pipeline.calls import answering

PATIENCE = 1.0
"""Seconds that a last word may take."""


class Draining:
    """Whether a run is asked to stop; it is at work from the moment when this is first asked."""

    def __init__(self, console: Console, seconds: float, remedy: str) -> None:
        self._console, self._seconds, self._remedy = console, seconds, remedy
        self._at_work, self._first = False, 0.0
        self._heard: SimpleQueue[bool] = SimpleQueue()

    def __call__(self) -> bool:
        self._at_work = True
        return bool(self._first)

    def handle(self, _: int, __: FrameType | None) -> None:
        """Neither prints nor waits: the thread that is interrupted may be printing."""
        now = time.monotonic()
        if not self._first:
            self._first = now
            self._heard.put(True)
            if not self._at_work:
                raise Interrupted
        elif now - self._first > SAME:
            self._heard.put(True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While signals are heard."""
        listener = threading.Thread(target=self._listen, name="sparq-stopping", daemon=True)
        listener.start()
        try:
            with handled(self.handle):
                yield
        finally:
            self._heard.put(False)
            listener.join()
            workers.allow()

    def _listen(self) -> None:
        if not self._heard.get():
            return
        if self._at_work:
            workers.end_all()
            self._say(
                f"stopping: steps in flight are finished and committed within {self._seconds:g} s (--drain); a training or "
                "benchmark in its own process is ended. Press Ctrl-C again to stop at once"
            )
        try:
            if self._heard.get(timeout=self._seconds):
                self._end("stopped at once", AT_ONCE)
        except Empty:
            self._end(
                f"stopped: the steps in flight did not finish within {self._seconds:g} s{_who()}",
                exit_code(INTERRUPTED),
            )

    def _say(self, message: str) -> None:
        say(self._console, message, "yellow")

    def _end(self, message: str, code: int) -> NoReturn:
        end(
            self._console,
            f"{message}. Committed steps are kept; steps in flight will be repeated. {self._remedy}",
            code,
        )


@contextmanager
def draining(console: Console, seconds: float, remedy: str) -> Iterator[Draining]:
    """
    The first signal asks a run to drain, for at most so many seconds; a second one ends it at once.

    `remedy` says how to go on. A run that was not at work yet is left, with the exit code of one that was interrupted.
    """
    asked = Draining(console, seconds, remedy)
    with asked.listening():
        try:
            yield asked
        except Interrupted:
            say(console, f"Interrupted before the run had started. {remedy}", "yellow")
            raise SystemExit(exit_code(INTERRUPTED)) from None


def say(console: Console, message: str, style: str) -> None:
    """Print, for as long as a reader that has stopped reading may hold it up."""

    def show() -> None:
        console.show_cursor()
        console.print(block(message, style), soft_wrap=True)

    _patiently(show)


def _patiently(show: Callable[[], object]) -> None:
    saying = threading.Thread(target=show, daemon=True)
    saying.start()
    saying.join(PATIENCE)


def end(console: Console, message: str, code: int) -> NoReturn:
    """End this process and its workers, whatever they are at; the ledger is as after a kill, which loses nothing committed."""
    say(console, message, "red")  # before workers end, as a run that misses them has words of its own
    workers.end_all()
    if console.is_terminal:
        _patiently(lambda: print(file=console.file, flush=True))  # below the panel, which stays
    os._exit(code)


def _who() -> str:
    """Whoever has been answering for longest."""
    call, seconds = max(answering(), key=lambda found: found[1], default=(None, 0.0))
    return f"; {call} has been running for {seconds:.0f} s" if call else ""
