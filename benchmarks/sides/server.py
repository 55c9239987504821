"""
A chat endpoint that answers from a table: `python server.py LATENCY`, in seconds.

A problem has K answers of 1,200 bytes, half of them right. A request's seed says with which to begin, or, where it sends none,
they come in turn: so K samples are the same rows for everyone, asked for together or one by one. Prints its address, serves
until its input ends, then prints how many requests there were and the seconds from the first to the last answer.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from random import Random

from rows import K, answer

BYTES = 1200
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
PROBLEM = re.compile(r"Problem (\d+):")
SENTENCES = [
    f"We take {i} and {i + j} to find {2 * i + j}, of which a part is needed below." for i in range(9) for j in range(9)
]


class Table:
    """All answers, and what was asked."""

    def __init__(self, latency: float) -> None:
        self.latency, self._turns, self._texts = latency, Counter[int](), dict[tuple[int, int], str]()
        self.requests, self.first, self.last = 0, 0.0, 0.0

    def reply(self, body: bytes) -> bytes:
        asked = json.loads(body)
        problem = int(PROBLEM.search(_text(asked["messages"][-1]["content"]))[1])  # type: ignore[index]
        n = asked.get("n") or 1
        begin = asked.get("seed")
        if begin is None:
            begin = self._turns[problem]
            self._turns[problem] += n
        choices = [
            {
                "index": j,
                "message": {"role": "assistant", "content": self._write(problem, (begin + j) % K)},
                "finish_reason": "stop",
            }
            for j in range(n)
        ]
        usage = {"prompt_tokens": 20, "completion_tokens": 300 * n, "total_tokens": 20 + 300 * n}
        reply = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "table",
            "choices": choices,
            "usage": usage,
        }
        return json.dumps(reply).encode()

    def _write(self, problem: int, which: int) -> str:
        key = (problem % 64, which)
        if key not in self._texts:
            self._texts[key] = "\n".join(Random(str(key)).choices(SENTENCES, k=BYTES // 60))[:BYTES]
        return f"{self._texts[key]}\n#### {answer(problem) if which % 2 else 'unsure'}"


def _text(content: str | list[dict[str, str]]) -> str:
    return content if isinstance(content, str) else content[0]["text"]


class Connection(asyncio.Protocol):
    """One client's connection, kept alive; one request at a time."""

    def __init__(self, table: Table) -> None:
        self._table, self._got = table, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end or len(body) < int(LENGTH.search(head)[1]):  # type: ignore[index]
            return
        self._got = b""
        now = time.perf_counter()
        self._table.first = self._table.first or now
        self._table.requests += 1
        asyncio.get_running_loop().call_later(self._table.latency, self._answer, body)

    def _answer(self, body: bytes) -> None:
        reply = self._table.reply(body)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
        self._transport.write(head.encode() + reply)
        self._table.last = time.perf_counter()


async def serve() -> None:
    table = Table(float(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(table), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({"requests": table.requests, "serving": table.last - table.first}))


if __name__ == "__main__":
    asyncio.run(serve())
