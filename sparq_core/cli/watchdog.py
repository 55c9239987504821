"""A watchdog: it names the plugin that has been answering for long, and ends a run by choice."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console

from sparq_core import hookspecs
from sparq_core.cli import stopping
from sparq_core.contract.errors import PluginError
from sparq_core.pipeline.calls import Call, answering

QUICK, SLOW, NEVER = 60.0, 600.0, float("inf")
LONG = {
    hookspecs.check: SLOW,
    hookspecs.start: SLOW,
    hookspecs.stop: SLOW,
    hookspecs.load_seeds: SLOW,
    hookspecs.benchmark_texts: SLOW,
    hookspecs.sampler: SLOW,
    hookspecs.curate: SLOW,
    hookspecs.audit: SLOW,
    hookspecs.train: NEVER,
    hookspecs.benchmark: NEVER,
}
"""Seconds after which an answer is long, by hook; the others work on one step's batch. Trainings and benchmarks take hours."""
EVERY = 1.0
"""Seconds between two looks."""


class Watchdog:
    """Warns of each plugin and hook when an answer takes long, and again at twice the time; past `limit` the run ends."""

    def __init__(self, warn: Callable[[str], None], end: Callable[[PluginError], None], limit: float | None) -> None:
        self._warn, self._end, self._limit = warn, end, limit
        self._next: dict[tuple[str, str], float] = {}

    def look(self) -> None:
        """Look at all that are answering now."""
        for call, seconds in answering():
            key, first = (call.plugin, call.hook), LONG.get(call.spec, QUICK)
            if self._limit is not None and first != NEVER and seconds > self._limit:
                self._end(PluginError(f"{call}: has been running for {seconds:.0f} s, longer than --hook-limit allows"))
            elif seconds > self._next.get(key, first):
                self._next[key] = 2 * seconds
                self._warn(_told(call, seconds))


def _told(call: Call, seconds: float) -> str:
    return f"{call}: has been running for {seconds:.0f} s; use --hook-limit SECONDS to end the run when a call takes longer"


@contextmanager
def watching(console: Console, limit: float | None, remedy: str) -> Iterator[None]:
    """While plugins are watched."""
    over = threading.Event()

    def warn(message: str) -> None:
        stopping.say(console, f"warning: {message}", "yellow")

    def end(error: PluginError) -> None:
        stopping.end(console, f"error: {error}\n({remedy})", error.exit_code)

    def watch(dog: Watchdog) -> None:
        while not over.wait(EVERY):
            dog.look()

    watcher = threading.Thread(target=partial(watch, Watchdog(warn, end, limit)), name="sparq-watchdog", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
