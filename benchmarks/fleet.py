"""
The cast of `replicas.py`: a sampler for many simulated replicas, and the process that simulates them.

A replica is what a GPU engine looks like from outside: so many slots, each writing so many tokens a second, a queue before
them, and completions of log-normal lengths. One process simulates all replicas and is reached through a few sockets, each of
which carries the traffic of many replicas, with whole texts coming back. Run as a program, this file is that process.
"""

import asyncio
import contextlib
import heapq
import math
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

import sparq_core as sparq

PER_SOCKET = 64
"""Replicas that share a socket."""
POOL = 512
"""Texts that are made beforehand."""
WORDS = Path(__file__).read_text(encoding="utf-8").split()
HEAD = 4
"""Bytes before each message that say how long it is."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulated replicas are like; also the options of `Fleet`."""

    replicas: int
    slots: int = 256
    """Sequences that a replica works on at once."""
    speed: float = 40.0
    """Tokens a second and sequence."""
    latency: float = 0.05
    """Seconds before the first token."""
    median: float = 700.0
    """Tokens of a completion; log-normal."""
    spread: float = 0.6
    """Of the logarithm of the length."""
    cap: int = 2048
    """Most tokens of a completion."""
    faster: float = 1.0
    """What all times are divided by."""


class Ask(msgspec.Struct, array_like=True):
    """A request, on its way to a replica."""

    id: int
    replica: int
    seed: int
    n: int


class Answer(msgspec.Struct, array_like=True):
    """All completions of a request."""

    id: int
    texts: list[str]
    tokens: list[int]


def length(engine: Engine, seed: int) -> int:
    """Tokens of the completion with this seed."""
    return max(1, round(min(engine.cap, engine.median * math.exp(engine.spread * Random(seed).gauss(0, 1)))))


# -- the driver's side -------------------------------------------------------------------------------------------------


class Fleet:
    """Sends each request to the replica with the least to do; it starts the simulating process, and ends it."""

    deterministic = True
    digest = "fleet"

    def __init__(self, config: Engine) -> None:
        self._engine, self.slots = config, config.replicas * config.slots

    @sparq.hookimpl
    def sampler(self) -> "Fleet":
        sockets = math.ceil(self._engine.replicas / PER_SOCKET)
        ours, theirs = zip(*(socket.socketpair() for _ in range(sockets)), strict=True)
        numbers = [str(one.fileno()) for one in theirs]
        given = msgspec.json.encode(self._engine).decode()
        self._process = subprocess.Popen(
            [sys.executable, __file__, given, *numbers], pass_fds=[one.fileno() for one in theirs]
        )
        for one in theirs:
            one.close()
        self._sockets, self._locks = ours, [threading.Lock() for _ in ours]
        self._waiting = dict[int, tuple[int, int, Future[Answer]]]()
        self._ids, self._lock = count(), threading.Lock()
        self._loads = [(0, replica) for replica in range(self._engine.replicas)]
        self._load = [0] * self._engine.replicas
        self.load = 0
        for one in ours:
            threading.Thread(target=self._read, args=(one,), daemon=True).start()
        return self

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        """As any sampler."""
        sent = [self._route(request) for request in requests]
        frames = dict[int, bytearray]()
        for ask, _ in sent:
            encoded = msgspec.msgpack.encode(ask)
            frames.setdefault(ask.replica // PER_SOCKET, bytearray()).extend(
                len(encoded).to_bytes(HEAD, "big") + encoded
            )
        for one, frame in frames.items():
            with self._locks[one]:
                self._sockets[one].sendall(frame)
        answers = [future.result() for _, future in sent]
        return [
            [sparq.Completion(text=text, finish="stop", tokens=n) for text, n in zip(a.texts, a.tokens, strict=True)]
            for a in answers
        ]

    def close(self) -> None:
        """End the process; it leaves when its sockets close."""
        for one in self._sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._process.wait()

    def _route(self, request: sparq.Request) -> tuple[Ask, "Future[Answer]"]:
        future = Future[Answer]()
        with self._lock:
            while True:  # entries that are out of date are dropped when they come up
                load, replica = heapq.heappop(self._loads)
                if load == self._load[replica]:
                    break
            ask = Ask(next(self._ids), replica, request.seed, request.n)
            self._waiting[ask.id] = (replica, request.n, future)
            self._add(replica, request.n)
        return ask, future

    def _add(self, replica: int, sequences: int) -> None:
        self.load += sequences
        self._load[replica] += sequences
        heapq.heappush(self._loads, (self._load[replica], replica))

    def _read(self, one: socket.socket) -> None:
        stream = one.makefile("rb", buffering=1 << 20)
        with contextlib.suppress(OSError, ValueError):
            while head := stream.read(HEAD):
                answer = msgspec.msgpack.decode(stream.read(int.from_bytes(head, "big")), type=Answer)
                with self._lock:
                    replica, sequences, future = self._waiting.pop(answer.id)
                    self._add(replica, -sequences)
                future.set_result(answer)


class Around:
    """Seeds and children from nothing, each another statement, and half of all attempts right."""

    @sparq.hookimpl
    def load_seeds(self) -> list[sparq.Draft]:
        return [sparq.Draft(statement=f"Seed {i}: what is {i} + 1?", answer=str(i + 1)) for i in range(1000)]

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm, rng: Random) -> list[sparq.Draft]:
        answers = llm("generator").complete([parent.statement for parent in parents], sparq.Sampling())
        return [
            sparq.Draft(statement=f"What is {rng.random()}?", answer="1", parents=(p.id,), ordinal=answer.ordinal)
            for p, answer in zip(parents, answers, strict=True)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        return [sparq.Verdict(value="correct" if t.attempt.seed % 2 else "incorrect", answer="1") for t in trials]


# -- the replicas' side ------------------------------------------------------------------------------------------------


class Replica:
    """Slots and the queue before them."""

    def __init__(self, slots: int) -> None:
        self.free, self.queue = slots, deque[tuple["Job", int]]()


class Job:
    """A request at a replica."""

    def __init__(self, ask: Ask, lengths: list[int], writer: asyncio.StreamWriter) -> None:
        self.ask, self.lengths, self.left, self.writer = ask, lengths, ask.n, writer


class Simulation:
    """All replicas, moved on by one clock."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._replicas = [Replica(engine.slots) for _ in range(engine.replicas)]
        self._ends: list[tuple[float, int, float, Job]] = []
        self._order, self._ended, self._seconds, self._late = count(), 0, 0.0, 0.0
        rng = Random(1)
        self._texts = [" ".join(rng.choices(WORDS, k=2 * engine.cap)) for _ in range(POOL)]
        self._capacity = engine.replicas * engine.slots

    async def serve(self, one: socket.socket) -> None:
        """Hear what comes by one socket, until it is closed."""
        reader, writer = await asyncio.open_connection(sock=one, limit=1 << 24)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(HEAD), "big")
                ask = msgspec.msgpack.decode(await reader.readexactly(size), type=Ask)
                job = Job(ask, [length(self._engine, ask.seed + j) for j in range(ask.n)], writer)
                replica = self._replicas[ask.replica]
                replica.queue.extend((job, tokens) for tokens in job.lengths)
                self._fill(replica, time.monotonic())

    async def run(self) -> None:
        """Let sequences end when they are due; say once a second for which share of all slots' time those that ended ran."""
        said = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            while self._ends and self._ends[0][0] <= now:
                due, _, lasted, job = heapq.heappop(self._ends)
                self._late = max(self._late, time.monotonic() - due)
                self._seconds += lasted
                self._ended += 1
                self._end(job, due)
            if now - said >= 1:
                self._say(now - said)
                said = now

    def _fill(self, replica: Replica, now: float) -> None:
        engine = self._engine
        while replica.free and replica.queue:
            job, tokens = replica.queue.popleft()
            replica.free -= 1
            lasts = (engine.latency + tokens / engine.speed) / engine.faster
            heapq.heappush(self._ends, (now + lasts, next(self._order), lasts, job))

    def _end(self, job: Job, due: float) -> None:
        replica = self._replicas[job.ask.replica]
        replica.free += 1
        job.left -= 1
        self._fill(replica, due)  # an engine goes on at once, however late this process looks
        if not job.left:
            texts = [self._texts[(job.ask.seed + j) % POOL][: 4 * n] for j, n in enumerate(job.lengths)]
            encoded = msgspec.msgpack.encode(Answer(job.ask.id, texts, job.lengths))
            job.writer.write(len(encoded).to_bytes(HEAD, "big") + encoded)

    def _say(self, seconds: float) -> None:
        share = self._seconds / (self._capacity * seconds)
        said = {"at": time.time(), "share": share, "ended / s": self._ended / seconds, "late": self._late}
        print(msgspec.json.encode(said).decode(), file=sys.stderr, flush=True)
        self._ended, self._seconds, self._late = 0, 0.0, 0.0


async def simulate(engine: Engine, numbers: list[int]) -> None:
    """Serve the sockets with these file numbers until all are closed."""
    simulation = Simulation(engine)
    clock = asyncio.create_task(simulation.run())
    await asyncio.gather(*(simulation.serve(socket.socket(fileno=number)) for number in numbers))
    clock.cancel()


def main(arguments: list[str]) -> Any:
    """The simulating process."""
    engine = msgspec.json.decode(arguments[0], type=Engine)
    asyncio.run(simulate(engine, [int(number) for number in arguments[1:]]))


if __name__ == "__main__":
    main(sys.argv[1:])
