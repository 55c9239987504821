"""Requests wait here until a server has a place for them, and ejected servers are probed meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager

import sparq_core as sparq
from sparq_openai.pool import Answer, Pool, Server

Probe = Callable[[Server], Awaitable[str]]
"""Asks a server whether it is there; what is wrong, empty where nothing is."""
EVERYONE = 2**31


class Places:
    """
    The places of a pool, for one event loop.

    `delay` gives the seconds before the probe that follows so many setbacks; `hopeless` is asked after each failed probe, and
    says why the run has to end, or nothing.
    """

    def __init__(
        self, pool: Pool, probe: Probe, delay: Callable[[int], float], hopeless: Callable[[], str | None]
    ) -> None:
        self._pool, self._probe, self._delay, self._hopeless = pool, probe, delay, hopeless
        self._changed = asyncio.Condition()
        self._end: str | None = None
        self._probing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def place(self, prompt: Hashable, avoid: Server | None = None) -> AsyncIterator[Server]:
        """A server with a place for the request, once there is one; SparqError once there is no hope of one."""
        server = await self._taken(prompt, avoid)
        try:
            yield server
        finally:
            self._pool.give_back(server)
            await self._wake(self._pool.free)

    def answered(self, server: Server, answer: Answer, told: str) -> None:
        """Learn what a request came to, before its place is given back."""
        if self._pool.answered(server, answer, told):
            task = asyncio.create_task(self._probe_until_back(server))
            self._probing.add(task)
            task.add_done_callback(self._probing.discard)

    async def _taken(self, prompt: Hashable, avoid: Server | None) -> Server:
        async with self._changed:
            while (server := self._pool.take(prompt, avoid)) is None:
                if self._end:
                    raise sparq.SparqError(self._end)
                await self._changed.wait()
        return server

    async def _probe_until_back(self, server: Server) -> None:
        while server.state == "out":
            await asyncio.sleep(self._delay(server.setbacks))
            if server.state == "out":
                self._pool.probed(server, await self._probe(server))
                self._end = self._hopeless()
                await self._wake(EVERYONE if self._end else self._pool.free)

    async def _wake(self, waiting: int) -> None:
        async with self._changed:
            self._changed.notify(waiting)
