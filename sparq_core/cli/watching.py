"""A run that is watched at a terminal: its progress, and Ctrl-C."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sparq_core.cli.progress import LiveProgress, PlainProgress
from sparq_core.contract.workers import kill_all
from sparq_core.loop.session import Observer


@contextmanager
def progress(console: Console) -> Iterator[Observer]:
    """What shows a run while it works: a live panel on a terminal, plain lines elsewhere."""
    if console.is_terminal:
        with LiveProgress(console) as live:
            yield live
    else:
        yield PlainProgress(console)


@contextmanager
def interruptible(console: Console) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C or SIGTERM asks the run to drain, the second ends everything at once."""
    asked: list[int] = []

    def handle(number: int, _: object) -> None:
        if asked:
            kill_all()
            os._exit(130)
        asked.append(number)
        console.print(
            "stopping: the steps at work, a training or a benchmark are finished and committed; once more to stop at once",
            style="yellow",
        )

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
