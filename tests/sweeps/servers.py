"""A run through one or two servers with faults of several kinds: it ends, at once or resumed, as through one without."""

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from faulty_server import FaultyServer, serving
from hostile_replies import REPLIES

from sparq_core.contract.errors import PluginError, SparqError
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline
from sweeps.children import State, difference, state

KEY, VARIABLE = "sk-a/secret+key&of-48_characters-0123456789abcdef", "SPARQ_SWEPT_KEY"
TIMEOUT = 0.5
"""Seconds that a request may take: less than a drip does."""
RESUMED = 12
"""Times that a run is gone on with; each time the server is better."""
NO_ANSWERS = [body for body, text in REPLIES.values() if text is None and len(body) < 50_000]
STATUSES = (408, 409, 425, 429, 500, 502, 503, 504, 520, 529)
BODIES = (
    b"",
    b"<html><h1>Bad gateway</h1></html>",
    b'{"error": "no"}',
    b'{"error": {"message": null, "code": 7}}',
    b'{"detail": [{"loc": 1}]}',
    f'{{"error": {{"message": "key {KEY} has too much to do"}}}}'.encode(),
    b"\xff\xfe\x00",
    b"[" * 20_000,
)
BROKEN = (
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nno gzip!",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br, x-odd\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/9.9 abc\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: \x00\xff\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"\x00" * 4096,
    b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + b"HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n",
)
"""Replies after which the connection ends."""


def waits(rng: Random) -> str | None:
    """A `Retry-After`, in every spelling; longer ones than the run has patience for among them."""
    now = datetime.now(UTC)
    dates = (now, now - timedelta(days=400), now + timedelta(seconds=1), now + timedelta(days=1))
    given: tuple[str | None, ...] = (
        *(None, "", "0", "0.01", "1e-2", "-3", "nan", "inf", "120", "9" * 400, "soon", "0x10", "٣", "1, 2"),
        *(format_datetime(date, usegmt=True) for date in dates),
        *("Wed, 21 Oct 2015 07:28:00", "Wed, 99 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT"),
        *(f"Wed, 21 Oct 2015 07:28:00 {zone}" for zone in ("+9999", "-0000", "+" + "9" * 30, "XYZ")),
    )
    return rng.choice(given)


@cache
def bomb() -> bytes:
    """A hundred megabytes in a hundred kilobytes."""
    return gzip.compress(bytes(100_000_000), 1)


class Harassing(FaultyServer):
    """A server with more kinds of faults."""

    def __init__(self, rng: Random, share: float, kinds: list[str], elsewhere: str) -> None:
        super().__init__(share, kinds, rng.randrange(2**31), key=KEY)
        self._rng, self._elsewhere = rng, elsewhere

    async def _meet(self, fault: str, writer: asyncio.StreamWriter, headers: dict[str, str], body: Any) -> bool:
        self.met[fault] += 1
        if "messages" not in body:  # what a redirection makes of a question
            writer.write(_reply(405, b""))
            return True
        answer = _whole(self._reply(headers, body))
        if fault in SENT:
            return SENT[fault](self, writer, answer)
        if fault == "drip":
            return await _drip(writer, answer)
        if fault == "endless":
            return await _endless(writer)
        if fault == "few":
            answer = _whole(self._reply(headers, body | {"n": max(1, body.get("n", 1) // 2)}))
        if fault == "many":
            answer = _whole(self._reply(headers, body | {"n": body.get("n", 1) + 2}))
        writer.write(answer)
        return True

    def reset(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        writer.transport.abort()
        return False

    def reset_midway(self, writer: asyncio.StreamWriter, answer: bytes) -> bool:
        writer.write(answer[: self._rng.randrange(1, len(answer))])
        writer.transport.abort() if self._rng.random() < 0.5 else writer.close()
        return False

    def status(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        status, wait = self._rng.choice(STATUSES), waits(self._rng)
        told = {"Retry-After": wait} if wait is not None else {}
        writer.write(_reply(status, self._rng.choice(BODIES), told))
        return True

    def no_answer(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        writer.write(_reply(200, self._rng.choice(NO_ANSWERS)))
        return True

    def broken(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        writer.write(self._rng.choice(BROKEN))
        return False

    def redirect(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        to = self._rng.choice(
            (self._elsewhere + "/chat/completions", "/v1/chat/completions", "//", "http://[", "file:///")
        )
        writer.write(_reply(self._rng.choice((301, 302, 303, 307, 308)), b"", {"Location": to}))
        return True

    def zipped(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        writer.write(_reply(200, bomb(), {"Content-Encoding": "gzip"}))
        return True

    def headers(self, writer: asyncio.StreamWriter, _: bytes) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Odd: x\r\n" * 20_000)
        return False


SENT: dict[str, Callable[[Harassing, asyncio.StreamWriter, bytes], bool]] = {
    "reset": Harassing.reset,
    "reset midway": Harassing.reset_midway,
    "status": Harassing.status,
    "no answer": Harassing.no_answer,
    "broken": Harassing.broken,
    "redirect": Harassing.redirect,
    "gzip bomb": Harassing.zipped,
    "endless headers": Harassing.headers,
}
COSTLY = ("drip", "endless", "gzip bomb")
KINDS = [*SENT, *COSTLY[:2], "few", "many", "status", "broken"]


def _reply(status: int, body: bytes, more: dict[str, str] | None = None) -> bytes:
    lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(more or {})}
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in lines.items()), "", ""])
    return head.encode() + body


def _whole(reply: tuple[int, Any]) -> bytes:
    status, body = reply
    return _reply(status, json.dumps(body).encode())


async def _drip(writer: asyncio.StreamWriter, answer: bytes) -> bool:
    for i in range(len(answer)):
        writer.write(answer[i : i + 1])
        await writer.drain()
        await asyncio.sleep(TIMEOUT / 5)
    return True


async def _endless(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        await writer.drain()


class Servers:
    """Kinds of faults drawn for a trial."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "servers"
        self._whole: dict[int | None, State] = {}

    def __call__(self, rng: Random) -> str | None:
        os.environ[VARIABLE] = KEY
        self._home.mkdir(exist_ok=True)
        each = rng.choice((None, 1, 2))
        if each not in self._whole:
            told = self._gone_through(rng, 0.0, [], each)
            assert told is None, told
            self._whole[each] = self._found([])
        kinds = rng.sample(KINDS, rng.randint(2, 5))
        share = rng.uniform(0.03, 0.1) if set(kinds) & set(COSTLY) else rng.uniform(0.1, 0.6)
        told = self._gone_through(rng, share, kinds, each) or self._leaked()
        wanted = _told_apart(self._whole[each], kinds)
        told = told or difference(self._found(kinds), wanted)
        return f"{kinds}, {each} each: {told}" if told else None

    def _gone_through(self, rng: Random, share: float, kinds: list[str], each: int | None) -> str | None:
        """Run, and go on until it is done; what is wrong with what was told on the way."""
        shutil.rmtree(self._home / "run", ignore_errors=True)
        elsewhere = FaultyServer(always={"status": 500, "body": {"error": "elsewhere"}})
        with serving(elsewhere) as other:
            for time in range(RESUMED):
                with ExitStack() as stack:
                    left = share * (1 - time / RESUMED) ** 2
                    servers = [Harassing(rng, left, kinds, other) for _ in range(rng.choice((1, 2)))]
                    urls = [stack.enter_context(serving(server)) for server in servers]
                    told = self._once(urls, each, resume=time > 0)
                if told:
                    return told
                if told is not None:
                    break
            else:
                return "it does not come to an end"
        keys = [head for head in elsewhere.heads if KEY in head]
        return f"the key went elsewhere: {keys[0]}" if keys else None

    def _once(self, urls: list[str], each: int | None, *, resume: bool) -> str | None:
        """None where the run is to be gone on with, nothing where it is done, else what is wrong."""
        try:
            run_pipeline(self._pipeline(urls, each), self._home, resume=resume)
        except PluginError as error:
            return f"a bug: {error}"
        except SparqError as error:
            return f"the key is told: {error}" if KEY in f"{error}{error.__notes__}" else None
        return ""

    def _pipeline(self, urls: list[str], each: int | None) -> dict[str, Any]:
        seeds = self._home / "seeds.jsonl"
        rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(4)]
        seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
        options = {
            "base_url": urls,
            "key_env": VARIABLE,
            "timeout": TIMEOUT,
            "retries": 30,
            "backoff": 0.01,
            "patience": 1.5,
            "concurrency": [4, 8],
            **({"n_per_request": each} if each else {}),
        }
        return {
            "name": "served",
            "seed": 1,
            "steps": 3,
            "batch": 3,
            "in_flight": 2,
            "models": {"student": {"use": "openai", "model": "sums", "with": options}},
            "attempts": {"k": 4},
            "plugins": [
                {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
                *({"use": use} for use in ("static-uniform", "mutate", "sympy", "skills", "curate-band")),
            ],
        }

    def _found(self, kinds: list[str]) -> State:
        with Reader.open(self._home / "run") as ledger:
            check_conservation(ledger, ledger.tally())
        return _told_apart(state(self._home / "run"), kinds)

    def _leaked(self) -> str | None:
        spelt = (KEY, KEY.replace("/", "\\/"))
        found = [
            path
            for path in self._home.rglob("*")
            if path.is_file() and any(key.encode() in path.read_bytes() for key in spelt)
        ]
        return f"the key is in {found[0]}" if found else None


def _told_apart(found: State, kinds: list[str]) -> State:
    """What is to be equal: not the server's address and, where it gave more or fewer samples than asked, not the tokens."""
    left_out = {"run": (), "step": (), "attempt": (), "completion": ()} if {"few", "many"} & set(kinds) else {"run": ()}
    tables = {path: {t: r for t, r in tables.items() if t not in left_out} for path, tables in found.rows.items()}
    return State(tables, {path: text for path, text in found.files.items() if not path.endswith(".yaml")})
