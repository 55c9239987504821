"""The sampler over one or several chat endpoints. Imports the client: only to be imported when a model is opened."""

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from itertools import count
from random import Random
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import sparq_core as sparq
from sparq_openai.endpoint import Endpoint
from sparq_openai.faults import Fault
from sparq_openai.places import Places
from sparq_openai.pool import Answer, Pool, Server
from sparq_openai.replies import unanswered
from sparq_openai.secrets import Secret

if TYPE_CHECKING:
    from sparq_openai import OpenAIConfig
    from sparq_openai.proof import Proof

LONGEST_BACKOFF = 60.0
SPREAD = 0.25
"""Share by which waiting is stretched at most, so that not all come back at once."""
BLIND_RETRIES = 3
"""Retries while no server was ever reached: the address is more likely wrong than the server away."""
SETTLING = 0.05
"""Seconds that closed connections are given: the loop lets go of their sockets in its next turns."""
MOST_TOLD = 400
"""Characters of what went wrong that a run is told."""
CLOSING = 10.0
"""Seconds that open connections are given to close."""

Answers = list[list[sparq.Completion]]


class ChatSampler:
    """
    One model behind one or several servers; any number of threads may ask, one event loop does the talking.

    What one server does not answer, the next is asked for with the same seed. A fault that retries do not mend ends every call
    that is at work with the same message: what a run is told is the first real cause.
    """

    deterministic = False

    def __init__(self, model: sparq.Model, config: "OpenAIConfig", proof: "Proof | None" = None) -> None:
        start, most = config.concurrency
        self.digest, self.slots = model.digest, most * len(config.urls)
        self._model, self._config, self._proof = model, config, proof
        self._name = config.served_name or model.path
        self.pool = Pool(config.urls, start, most)
        self._places = Places(self.pool, self._probe, self._backoff, self._hopeless)
        self._room = asyncio.Semaphore(2 * self.slots)
        self._at_once = config.n_per_request
        self._cause, self._reached, self._answered = "", False, 0
        self.retries, self.waited = 0, 0.0
        self._calls: set[Future[Any]] = set()
        self._lock = Lock()
        self._random = Random()  # noqa: S311 -- spreads retries
        key = os.environ.get(config.key_name() or "", "").strip()
        secret = Secret(key)
        self._endpoints = {url: Endpoint(url, config, key, secret) for url in config.urls}
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"sparq-{model.name}", daemon=True)
        self._thread.start()

    @property
    def by_replica(self) -> dict[str, tuple[int, int]]:
        """Completions that each server gave, and how many times it was ejected."""
        return {f"server {i}": (server.drawn, server.lost) for i, server in enumerate(self.pool.servers, 1)}

    def sample(self, requests: Sequence[sparq.Request]) -> Answers:
        """Completions of all requests, in order; SparqError where the endpoint cannot be used."""
        with self._lock:
            if self._cause:
                raise sparq.SparqError(self._cause)
            call = asyncio.run_coroutine_threadsafe(self._outcome(requests), self._loop)
            self._calls.add(call)
        try:
            outcome = call.result()
        except CancelledError:
            raise sparq.SparqError(self._cause) from None
        finally:
            with self._lock:
                self._calls.discard(call)
        if isinstance(outcome, BaseException):
            self._give_up(str(outcome))
            raise outcome
        return outcome

    def close(self) -> None:
        """End what is at work and the connections."""
        self._give_up(f"models.{self._model.name}: the sampler is closed")
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(CLOSING)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSING)
        self._loop.close()

    def _give_up(self, cause: str) -> None:
        with self._lock:
            self._cause = self._cause or cause
            calls = list(self._calls)
        for call in calls:
            call.cancel()

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for endpoint in self._endpoints.values():
            await endpoint.close()
        await asyncio.sleep(SETTLING)

    async def _outcome(self, requests: Sequence[sparq.Request]) -> Answers | BaseException:
        """The answers, or the first error; raised here it would be logged where nobody waits for it any more."""
        try:
            return await self._answer(requests)
        except ExceptionGroup as group:
            return _first(group)

    async def _answer(self, requests: Sequence[sparq.Request]) -> Answers:
        """Ask for all samples; no more requests are prepared than `_room` allows."""
        parts: list[list[asyncio.Task[list[sparq.Completion]]]] = [[] for _ in requests]
        async with asyncio.TaskGroup() as group:
            for request, tasks in zip(requests, parts, strict=True):
                first = 0
                while first < request.n:
                    await self._room.acquire()
                    n = min(self._at_once or request.n, request.n - first)
                    task = group.create_task(self._part(request, first, n))
                    task.add_done_callback(lambda _: self._room.release())
                    tasks.append(task)
                    first += n
        return [[completion for task in tasks for completion in task.result()] for tasks in parts]

    async def _part(self, request: sparq.Request, first: int, n: int) -> list[sparq.Completion]:
        """Samples `first` to `first + n` of a request: by one question, or by one each where the server gives no more."""
        if self._at_once == 1 and n > 1:
            return await _one_by_one(self._part(request, first + j, 1) for j in range(n))
        got = await self._ask(request, first, n)
        if len(got) == n:
            return got
        self._at_once = 1
        return got + await _one_by_one(self._part(request, first + j, 1) for j in range(len(got), n))

    async def _ask(self, request: sparq.Request, first: int, n: int) -> list[sparq.Completion]:
        """Up to `n` completions of one question, asked until it is answered or no retry is left."""
        crowded = alone = 0
        server: Server | None = None
        for tries in count(1):
            others = self._answered
            server, fault = await self._try(request, first, n, server)
            if isinstance(fault, list):
                return fault
            if fault.finish:
                return unanswered(fault.finish, n)
            if fault.do == "one-each":
                return []
            if self.pool.has_other(server):
                fault = replace(fault, wait=0.0)
            self._stop_if_hopeless(server, fault, tries)
            crowded += fault.crowded
            alone = alone + 1 if self._answered == others else 1
            delay = self._delay(fault, crowded if fault.crowded else alone)
            await asyncio.sleep(delay)
            self.retries, self.waited = self.retries + 1, self.waited + delay
        raise AssertionError

    async def _try(
        self, request: sparq.Request, first: int, n: int, avoid: Server | None
    ) -> tuple[Server, list[sparq.Completion] | Fault]:
        """One question to one server, another than the last one where there is one."""
        async with self._places.place(hash(request.messages), avoid) as server:
            answer = await self._endpoints[server.url].ask(self._body(request, first, n), n)
            fault = answer if isinstance(answer, Fault) else None
            server.drawn += 0 if isinstance(answer, Fault) else len(answer)
            self._answered += fault is None
            self._reached = self._reached or fault is None or fault.reached
            self._places.answered(server, _seen(fault), fault.told if fault else "")
        return server, answer

    async def _probe(self, server: Server) -> str:
        """What is wrong with a server that was away; one that was started again may serve other weights than before."""
        endpoint = self._endpoints[server.url]
        fault = await endpoint.probe()
        self._reached = self._reached or fault is None or fault.reached
        if fault is None and self._proof:
            fault = await self._proof.against(endpoint)
        return fault.told if fault else ""

    def _body(self, request: sparq.Request, first: int, n: int) -> dict[str, Any]:
        sampling, config = request.sampling, self._config
        return {
            "model": self._name,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            config.tokens_name(): sampling.max_tokens,
            **({"stop": list(sampling.stop)} if sampling.stop else {}),
            **({"seed": request.seed + first} if config.send_seed else {}),
            **({"n": n} if n > 1 else {}),
            **({"extra_body": dict(config.extra)} if config.extra else {}),
        }

    def _delay(self, fault: Fault, times: int) -> float:
        """
        Seconds before the next try: what the server asks for and a little more, or somewhere within the backoff.

        The backoff doubles with each time the server had too much to do, or failed while nobody else got an answer either: a
        fault among many answers is chance. What it asks for counts only where no other can be asked.
        """
        return max(fault.wait * (1 + SPREAD * self._random.random()), self._backoff(times))

    def _backoff(self, times: int) -> float:
        """Seconds before the next try or probe after so many that failed."""
        most = min(LONGEST_BACKOFF, self._config.backoff * 2.0 ** min(times - 1, 30))
        return most * self._random.random()

    @property
    def _retries(self) -> int:
        return self._config.retries if self._reached else min(BLIND_RETRIES, self._config.retries)

    def _hopeless(self) -> str | None:
        """Why the run ends where no server works: each has been probed as often as a request is asked again."""
        if not self.pool.is_dead or any(server.setbacks <= self._retries for server in self.pool.servers):
            return None
        return f"models.{self._model.name}: no server works: {self._failures()}; {self._remedy(Fault(told=''))}"

    def _stop_if_hopeless(self, server: Server, fault: Fault, tries: int) -> None:
        if fault.do == "retry" and tries <= self._retries and fault.wait <= self._config.patience:
            return
        several = len(self.pool.servers) > 1
        told = self._failures() if several and fault.do == "retry" else _said(server.url, fault.told)
        times = f"{', in' * several} {tries} {'tries' if several else 'times'}"
        often = times if fault.do == "retry" and tries > 1 else ""
        raise sparq.SparqError(f"models.{self._model.name}: {told}{often}; {self._remedy(fault)}")

    def _failures(self) -> str:
        """What each server failed with last."""
        return "; ".join(_said(server.url, server.told) for server in self.pool.servers if server.told)

    def _remedy(self, fault: Fault) -> str:
        if fault.wait > self._config.patience:
            return f"it asks to wait {fault.wait:,.0f} s: continue then with --resume, or raise with.patience"
        if not self._reached:
            return "is it running, is with.base_url right, and with.timeout long enough? then --resume"
        if fault.do == "retry":
            return "continue with --resume once it works; with.retries and with.timeout set how much is tolerated"
        if fault.status in {401, 403}:
            name = self._config.key_name()
            return f"check the key in {name}" if name else "name the environment variable of its key with with.key_env"
        if fault.status == 404:
            return f"does it serve a model '{self._name}', and is with.base_url right (it usually ends in /v1)?"
        return _settings_in(fault.told)


def _seen(fault: Fault | None) -> Answer:
    """What a request shows of its server; a refusal shows that it works."""
    if fault is None:
        return "well"
    if fault.crowded:
        return "late" if fault.broken else "pushed"
    return "failed" if fault.broken else "well"


def _said(url: str, told: str) -> str:
    return f"{url} {sparq.shortened(told, MOST_TOLD)}"


def _settings_in(told: str) -> str:
    if "seed" in told:
        return "set with.send_seed: false"
    if "max_tokens" in told or "max_completion_tokens" in told:
        return "lower max_tokens, or set with.max_tokens_name"
    return "change what it names: the sampling settings, with.extra, or the account"


async def _one_by_one(parts: Iterable[Coroutine[Any, Any, list[sparq.Completion]]]) -> list[sparq.Completion]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in parts]
    return [completion for task in tasks for completion in task.result()]


def _first(group: BaseException) -> BaseException:
    """The error in a group of one error, however deep."""
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group
