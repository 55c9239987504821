"""
A chat endpoint over the scripted model, with faults by seeded chance: `python tests/faulty_server.py '{"share": 0.2}'`.

It answers as `use: scripted` would, from each request's own seed, so what a run got through it can be compared row by row.
As a script it prints its address and serves until its input ends.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from random import Random
from threading import Thread
from typing import Any, NoReturn

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler

KINDS = ("drop", "slow", "storm", "error", "malformed", "cut")
SETTLING = 10
"""Turns of the loop in which it makes, or lets go of, connections that are on their way."""
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class FaultyServer:
    """Every request is first counted, then it may meet a fault, then it is answered."""

    def __init__(
        self,
        share: float = 0.0,
        kinds: Sequence[str] = KINDS,
        seed: int = 0,
        latency: float = 0.0,
        slow: float = 5.0,
        retry_after: str = "0.05",
        capacity: int = 10**9,
        give: int = 10**9,
        key: str = "",
        always: Mapping[str, Any] | None = None,
        answers: Mapping[str, Sequence[str]] | None = None,
        raw: Sequence[bytes] = (),
    ) -> None:
        self._share, self._kinds, self._random = share, kinds, Random(seed)
        self._latency, self._slow, self._retry_after = latency, slow, retry_after
        self._capacity, self._give, self._key = capacity, give, key
        self._always = always
        self._raw = cycle(raw)
        """Bodies that are sent as they are, in turn, in place of all else."""
        self._model = ScriptedSampler(answers)
        self.bodies: list[dict[str, Any]] = []
        """Everything that was asked, in order."""
        self.heads: list[str] = []
        """The lines above it, as they came."""
        self.met: Counter[str] = Counter()
        """How often each kind of fault was met, `none` among them."""
        self.serves = ["sums"]
        """What it says it serves."""
        self.probes = 0
        """How often that was asked."""
        self.open = self.most_open = 0
        self.opened: list[int] = []
        """How many requests were open when each one came."""
        self.prompt_tokens = self.tokens = 0
        """Tokens of the answers that were sent whole."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive until either side ends it."""
        try:
            while await self._one(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head.split("\r\n")[1:])}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        if head.startswith("GET ") and "/chat/" not in head.partition("\r\n")[0]:
            self.probes += 1
            return _send(writer, *self._models(headers))
        self.bodies.append(body)
        self.heads.append(head)
        self.open += 1
        self.opened.append(self.open)
        self.most_open = max(self.most_open, self.open)
        try:
            return await self._meet(self._fault(), writer, headers, body)
        finally:
            self.open -= 1

    def _fault(self) -> str:
        if self.open > self._capacity:
            return "storm"
        return self._random.choice(self._kinds) if self._random.random() < self._share else "none"

    async def _meet(self, fault: str, writer: asyncio.StreamWriter, headers: dict[str, str], body: Any) -> bool:
        self.met[fault] += 1
        if fault == "storm":
            return _send(writer, 429, {"error": {"message": "slow down"}}, {"Retry-After": self._retry_after})
        if fault == "endless":
            await _send_endlessly(writer)
        if fault == "error":
            return _send(writer, 500, {"error": {"message": "out of memory"}})
        if fault == "drop":
            await asyncio.sleep(self._latency * self._random.random())
            writer.transport.abort()
            return False
        await asyncio.sleep(self._slow if fault == "slow" else self._latency)
        status, reply = self._reply(headers, body)
        if fault == "malformed":
            writer.write(_head(200, 20) + b'{"choices": [{"inde}')
            return True
        if fault == "cut":
            text = _as_bytes(reply)
            writer.write(_head(200, len(text)) + text[: len(text) // 2])
            return False
        return _send(writer, status, reply)

    def _reply(self, headers: dict[str, str], body: Any) -> tuple[int, dict[str, Any] | bytes]:
        if (text := next(self._raw, None)) is not None:
            return 200, text
        if refused := self._refused(headers):
            return refused
        if self._always:
            return int(self._always["status"]), dict(self._always["body"])
        n = body.get("n", 1)
        if n > 1 and self._give == 0:
            return 400, {"error": {"message": "only n = 1 is supported", "param": "n"}}
        return 200, self._answer(body, min(n, self._give or 1))

    def _refused(self, headers: dict[str, str]) -> tuple[int, dict[str, Any]] | None:
        given = headers.get("authorization", "")
        if not self._key or given == f"Bearer {self._key}":
            return None
        return 401, {"error": {"message": f"Incorrect API key provided: {given}"}}

    def _models(self, headers: dict[str, str]) -> tuple[int, dict[str, Any] | bytes]:
        """Its list of models."""
        return self._refused(headers) or (200, {"object": "list", "data": [{"id": name} for name in self.serves]})

    def _answer(self, body: Any, n: int) -> dict[str, Any]:
        request = sparq.Request(
            messages=tuple(sparq.Message(m["role"], m["content"]) for m in body["messages"]),
            seed=body.get("seed", 0),
            sampling=sparq.Sampling(max_tokens=body.get("max_tokens") or body.get("max_completion_tokens")),
            n=n,
        )
        ((*samples,),) = self._model.sample([request])
        self._model.requests.clear()
        usage = {
            "prompt_tokens": sum(c.prompt_tokens for c in samples),
            "completion_tokens": sum(c.tokens for c in samples),
        }
        self.prompt_tokens += usage["prompt_tokens"]
        self.tokens += usage["completion_tokens"]
        choices = [
            {"index": i, "message": {"role": "assistant", "content": c.text}, "finish_reason": c.finish}
            for i, c in enumerate(samples)
        ]
        return {"object": "chat.completion", "choices": choices, "usage": usage}


def _head(status: int, length: int, extra: Mapping[str, str] | None = None) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(length), **(extra or {})}
    reason = REASONS.get(status, "Error")
    return "\r\n".join([f"HTTP/1.1 {status} {reason}", *(f"{n}: {v}" for n, v in lines.items()), "", ""]).encode()


def _send(writer: asyncio.StreamWriter, status: int, reply: Any, extra: Mapping[str, str] | None = None) -> bool:
    text = _as_bytes(reply)
    writer.write(_head(status, len(text), extra) + text)
    return True


def _as_bytes(reply: Any) -> bytes:
    return reply if isinstance(reply, bytes) else json.dumps(reply).encode()


async def _send_endlessly(writer: asyncio.StreamWriter) -> NoReturn:
    """A body that goes on until the client has had enough."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


class Life:
    """A server at work in a thread; it may die, and come back at the same address."""

    def __init__(self, server: FaultyServer, port: int = 0) -> None:
        self._server, self._port = server, port
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.come_back()

    @property
    def url(self) -> str:
        """Its `base_url`."""
        return f"http://127.0.0.1:{self._port}/v1"

    def come_back(self) -> None:
        """Listen."""
        starting = asyncio.start_server(self._server.serve, "127.0.0.1", self._port)
        self._listening = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self._port = self._listening.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Break all connections and refuse new ones."""
        asyncio.run_coroutine_threadsafe(_stop(self._listening), self._loop).result()

    def end(self) -> None:
        """Die for good."""
        self.die()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def living(server: FaultyServer, port: int = 0) -> Iterator[Life]:
    """A server that serves from a thread, and may die meanwhile."""
    life = Life(server, port)
    try:
        yield life
    finally:
        life.end()


@contextmanager
def serving(server: FaultyServer) -> Iterator[str]:
    """Serve from a thread; gives the `base_url`."""
    with living(server) as life:
        yield life.url


async def _stop(listening: asyncio.Server) -> None:
    for socket in listening.sockets:
        asyncio.get_running_loop().remove_reader(socket.fileno())
    await _settle()  # a connection that is accepted while the server closes is never closed
    listening.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await _settle()


async def _settle() -> None:
    for _ in range(SETTLING):
        await asyncio.sleep(0)


def main() -> None:
    options = json.loads(sys.argv[1])
    port = options.pop("port", 0)
    with living(server := FaultyServer(**options), port) as life:
        print(life.url, flush=True)  # noqa: T201 -- how a script is heard
        sys.stdin.read()
        print(json.dumps({"met": server.met, "most_open": server.most_open}))  # noqa: T201 -- as above


if __name__ == "__main__":
    main()
