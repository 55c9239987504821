"""How many requests may be open at once: as many as the server bears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TOLERATED = 0.2
"""Share of pushed-back requests that is taken for chance: as many come from a server that is not crowded at all."""
LEAST_ANSWERS = 10
"""Answers that are looked at together, at least."""


class Limiter:
    """
    Bounds the requests that are open at once, for one event loop.

    As many answers as may be open are looked at together. While few of them push back (too many requests, time is up), the
    limit grows: it doubles until the first push, then it grows by one. When many do, it shrinks by half their share.
    """

    def __init__(self, start: int, most: int) -> None:
        self.limit, self._most = float(start), most
        self._open = self._answers = self._pushes = 0
        self._full, self._pushed = False, False
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among the open requests, once there is one."""
        async with self._changed:
            self._full = self._full or self._open >= int(self.limit)
            await self._changed.wait_for(lambda: self._open < int(self.limit))
            self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            await self._wake()

    def answered(self, *, pushed: bool) -> None:
        """Count one answer; `pushed` tells that the server has too much to do."""
        self._answers += 1
        self._pushes += pushed
        if self._answers >= max(LEAST_ANSWERS, int(self.limit)):
            self._adapt(self._pushes / self._answers)
            self._answers = self._pushes = 0
            self._full = False

    def _adapt(self, share: float) -> None:
        if share > TOLERATED:
            self._pushed = True
            self.limit = max(1.0, self.limit * (1 - share / 2))
        elif self._full:
            self.limit = min(float(self._most), self.limit + 1 if self._pushed else self.limit * 2)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify(max(1, int(self.limit) - self._open))
