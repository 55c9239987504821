"""The sampler of `ray_deaths.py`: a model that does a fixed number of completions a second, however they are asked."""

import threading
import time
from collections.abc import Sequence

from msgspec import Struct

import sparq_core as sparq

PIECE = 0.05
"""Seconds of work after which others get their turn."""


class PacedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `Paced`."""

    rate: float = 1000.0
    """Completions a second."""


class PacedSampler:
    """Works on one piece at a time, as an engine does whose batch is full."""

    deterministic, digest = True, "paced"

    def __init__(self, rate: float) -> None:
        self._rate, self._engine = rate, threading.Lock()

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        left = sum(request.n for request in requests) / self._rate
        while left > 0:
            with self._engine:
                time.sleep(min(left, PIECE))
            left -= PIECE
        done = sparq.Completion(text="x" * 1000, finish="stop", tokens=250)
        return [[done] * request.n for request in requests]

    def close(self) -> None:
        """Nothing to free."""


class Paced:
    """A simulated engine."""

    def __init__(self, config: PacedConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def sampler(self) -> PacedSampler:
        return PacedSampler(self._config.rate)
