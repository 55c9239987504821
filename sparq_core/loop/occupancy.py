"""How busy samplers and graders are while steps are at work: looked at a few times a second."""

import threading
from collections.abc import Callable
from typing import Self

from sparq_core.contract.tally import Busy

EVERY = 0.1
"""Seconds between two looks."""


class Gauge:
    """Counts the calls in progress."""

    def __init__(self) -> None:
        self._calls, self._lock = 0, threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._calls += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._calls -= 1

    @property
    def share(self) -> float:
        """1 while there is a call, else 0."""
        return float(self._calls > 0)


class Occupancy:
    """Watches two shares between 0 and 1 while it is entered."""

    def __init__(self, sampling: Callable[[], float], grading: Callable[[], float]) -> None:
        self._shares = sampling, grading
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._busy = Busy()

    def __enter__(self) -> Self:
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="sparq-occupancy")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def take(self) -> Busy:
        """What was seen since it was last taken."""
        with self._lock:
            busy, self._busy = self._busy, Busy()
        return busy

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            sampling, grading = (share() for share in self._shares)
            with self._lock:
                self._busy += Busy(EVERY, sampling * EVERY, grading * EVERY)
