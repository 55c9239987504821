"""
Which signals ask for an end, and what they do where no run is at work.

They mean the same, whichever comes: of a user, of a terminal that is gone, of a scheduler that takes the machine back.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from sparq_core.contract import workers
from sparq_core.contract.errors import Interrupted

AT_ONCE = 130
SAME = 0.25
"""Seconds within which further signals are the first one: `timeout` and schedulers signal a process, then its group."""
Handler = Callable[[int, FrameType | None], Any]


def _signals() -> Iterator[signal.Signals]:
    """Those that ask for an end; `nohup` has SIGHUP ignored, and so it stays."""
    yield from (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _signals()}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


@contextmanager
def leaving() -> Iterator[None]:
    """The first signal ends what is being done, by `Interrupted`; a second one ends the process."""
    first = list[float]()

    def handle(_: int, __: FrameType | None) -> None:
        if not first:
            first.append(time.monotonic())
            raise Interrupted
        if time.monotonic() - first[0] > SAME:
            os._exit(AT_ONCE)

    with handled(handle):
        yield


@contextmanager
def ending_at_once() -> Iterator[None]:
    """A signal ends the process and its workers, whatever they are at: for what writes nothing and may be long in ending."""

    def handle(_: int, __: FrameType | None) -> None:
        workers.end_all()
        with suppress(OSError):
            os.write(2, b"interrupted\n")
        os._exit(AT_ONCE)

    with handled(handle):
        yield


def left(code: int) -> None:
    """A signal that comes now, when all is done, ends the process with its own exit code."""
    for number in _signals():
        signal.signal(number, lambda *_: os._exit(code))
