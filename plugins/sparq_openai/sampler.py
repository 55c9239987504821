"""The sampler over a chat endpoint. Imports the client: only to be imported when a model is opened."""

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import CancelledError, Future
from itertools import count
from random import Random
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import openai
from msgspec.structs import replace

import sparq_core as sparq
from sparq_openai.bounds import bound
from sparq_openai.faults import Fault, fault_of
from sparq_openai.limiter import Limiter
from sparq_openai.replies import completions, read, unanswered
from sparq_openai.secrets import Secret

if TYPE_CHECKING:
    from sparq_openai import OpenAIConfig

NO_KEY = "none"
"""What is sent where no key is asked for: the client wants one."""
LONGEST_BACKOFF = 60.0
SPREAD = 0.25
"""Share by which waiting is stretched at most, so that not all come back at once."""
BLIND_RETRIES = 3
"""Retries while no server was ever reached: the address is more likely wrong than the server away."""
CONNECTING = 30.0
"""Seconds that a connection may take to be made."""
SETTLING = 0.05
"""Seconds that closed connections are given: the loop lets go of their sockets in its next turns."""
MOST_TOLD = 400
"""Characters of what went wrong that a run is told."""
CLOSING = 10.0
"""Seconds that open connections are given to close."""

Answers = list[list[sparq.Completion]]


class ChatSampler:
    """
    One model behind an endpoint; any number of threads may ask, one event loop does the talking.

    A fault that retries do not mend ends every call that is at work with the same message: what a run is told is the first
    real cause.
    """

    deterministic = False

    def __init__(self, model: sparq.Model, config: "OpenAIConfig") -> None:
        self.digest, self.slots = model.digest, config.concurrency[1]
        self._model, self._config = model, config
        start, most = config.concurrency
        self.limiter = Limiter(start, most)
        self._room = asyncio.Semaphore(2 * most)
        self._at_once = config.n_per_request
        self._cause, self._reached, self._answered = "", False, 0
        self._calls: set[Future[Any]] = set()
        self._lock = Lock()
        self._random = Random()  # noqa: S311 -- spreads retries
        key = os.environ.get(config.key_name() or "", "").strip()
        self._secret = Secret(key)
        self._client = _client(config, key)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"sparq-{model.name}", daemon=True)
        self._thread.start()

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
        await self._client.close()
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
        for tries in count(1):
            others = self._answered
            fault = await self._try(request, first, n)
            if isinstance(fault, list):
                return fault
            if fault.finish:
                return unanswered(fault.finish, n)
            if fault.do == "one-each":
                return []
            self._stop_if_hopeless(fault, tries)
            crowded += fault.crowded
            alone = alone + 1 if self._answered == others else 1
            await asyncio.sleep(self._delay(fault, crowded if fault.crowded else alone))
        raise AssertionError

    async def _try(self, request: sparq.Request, first: int, n: int) -> list[sparq.Completion] | Fault:
        async with self.limiter.place():
            try:
                async with asyncio.timeout(self._config.timeout):
                    raw = await self._client.chat.completions.with_raw_response.create(**self._body(request, first, n))
                given = completions(read(raw.content), n)
                answer: list[sparq.Completion] | Fault = [replace(c, text=self._secret.out_of(c.text)) for c in given]
            except Exception as error:
                if (found := fault_of(error, n)) is None:
                    raise
                answer = found
        fault = answer if isinstance(answer, Fault) else None
        self._answered += fault is None
        self._reached = self._reached or fault is None or fault.reached
        self.limiter.answered(pushed=fault is not None and fault.crowded)
        return answer

    def _body(self, request: sparq.Request, first: int, n: int) -> dict[str, Any]:
        sampling, config = request.sampling, self._config
        return {
            "model": self._model.path,
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
        fault among many answers is chance.
        """
        backoff = min(LONGEST_BACKOFF, self._config.backoff * 2.0 ** min(times - 1, 30))
        return max(fault.wait * (1 + SPREAD * self._random.random()), backoff * self._random.random())

    def _stop_if_hopeless(self, fault: Fault, tries: int) -> None:
        retries = self._config.retries if self._reached else min(BLIND_RETRIES, self._config.retries)
        if fault.do == "retry" and tries <= retries and fault.wait <= self._config.patience:
            return
        times = f" {tries} times" if fault.do == "retry" and tries > 1 else ""
        said = sparq.shortened(self._secret.out_of(fault.told), MOST_TOLD)
        told = f"models.{self._model.name}: {self._config.base_url} {said}{times}; {self._remedy(fault)}"
        raise sparq.SparqError(told)

    def _remedy(self, fault: Fault) -> str:
        if fault.wait > self._config.patience:
            return f"it asks to wait {fault.wait:,.0f} s: go on then by --resume, or raise with.patience"
        if not self._reached:
            return "is it running, is with.base_url right, and with.timeout long enough? then --resume"
        if fault.do == "retry":
            return "go on by --resume once it is well; with.retries and with.timeout say how much is borne"
        if fault.status in {401, 403}:
            name = self._config.key_name()
            return f"look at the key in {name}" if name else "name the environment variable of its key by with.key_env"
        if fault.status == 404:
            return f"does it serve a model '{self._model.path}', and is with.base_url right (it usually ends in /v1)?"
        return _settings_in(fault.told)


def _client(config: "OpenAIConfig", key: str) -> openai.AsyncOpenAI:
    """A client that retries nothing itself, and tells strangers nothing that the environment says of an OpenAI account."""
    timeout = openai.Timeout(None, connect=CONNECTING)
    client = openai.AsyncOpenAI(
        api_key=key or NO_KEY,
        base_url=config.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [bound]}),
    )
    if not config.hosted:
        client.organization = client.project = None
    return client


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
