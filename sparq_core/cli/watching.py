"""A run that is watched: its progress, its plugins, and the signals that ask it to stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sparq_core.cli.live import LiveProgress
from sparq_core.cli.progress import PlainProgress
from sparq_core.cli.stopping import draining
from sparq_core.cli.watchdog import watching
from sparq_core.loop.session import Observer


@contextmanager
def progress(console: Console) -> Iterator[Observer]:
    """What shows a run while it works: a live panel on a terminal, plain lines elsewhere."""
    if console.is_terminal and not console.is_dumb_terminal:
        with LiveProgress(console) as live:
            yield live
    else:
        yield PlainProgress(console)


@contextmanager
def interruptible(
    console: Console, drain: float, hook_limit: float | None, remedy: str
) -> Iterator[Callable[[], bool]]:
    """
    Whether a run is asked to stop; its plugins are watched meanwhile.

    It may take `drain` seconds to do so, and a plugin `hook_limit` for an answer. `remedy` says how to go on after either.
    """
    with draining(console, drain, remedy) as interrupted, watching(console, hook_limit, remedy):
        yield interrupted
