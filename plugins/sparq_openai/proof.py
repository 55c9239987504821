"""Servers asked for fixed texts, to see whether they serve the weights they are to serve."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sparq_openai.endpoint import Endpoint
from sparq_openai.evidence import CHATS, LENGTH, Answered, Read
from sparq_openai.faults import Fault
from sparq_openai.secrets import Secret
from sparq_openai.weights import Weights

if TYPE_CHECKING:
    from sparq_openai import OpenAIConfig

ASKED_AGAIN = 1.0
"""Seconds between two questions to a server that is being started."""
SILENT = Fault(told="gives no log-probabilities", do="stop")


class Proof:
    """What can be shown about servers of certain weights."""

    def __init__(self, weights: Weights, config: "OpenAIConfig") -> None:
        self._weights, self._config = weights, config
        self._models = [path for path in (weights.model.path, weights.before) if path]
        self._log = weights.logs / f"proof-{weights.model.name}-{weights.round}.log"
        self._read = Read.of(self._models, self._log)
        self._answered: Answered | None = None
        """Found out where a server tells no log-probabilities: it takes longer."""

    def wrong(self, urls: Sequence[str], *, patient: bool) -> dict[str, str]:
        """What stands against the servers, of those against which something does; a patient proof waits until they are up."""
        told = asyncio.run(self._all(urls, self._config.timeout if patient else 0.0))
        if SILENT in told and self._answered is None:
            self._answered = Answered.of(self._models, self._log)
            told = asyncio.run(self._all(urls, self._config.timeout if patient else 0.0))
        return {url: fault.told for url, fault in zip(urls, told, strict=True) if fault}

    async def _all(self, urls: Sequence[str], seconds: float) -> list[Fault | None]:
        ends = time.monotonic() + seconds
        return await asyncio.gather(*(self._one(url, ends) for url in urls))

    async def _one(self, url: str, ends: float) -> Fault | None:
        key = os.environ.get(self._config.key_name() or "", "").strip()
        endpoint = Endpoint(url, self._config, key, Secret(key))
        try:
            while True:
                found = await self.against(endpoint)
                if found is None or found.do != "retry" or time.monotonic() > ends:
                    return found
                await asyncio.sleep(ASKED_AGAIN)
        finally:
            await endpoint.close()

    async def against(self, endpoint: Endpoint) -> Fault | None:
        """What stands against one server, or keeps it from being asked."""
        model = self._config.served_name or self._weights.model.path
        served = await endpoint.logprobs(model, self._read.tokens)
        if isinstance(served, Fault):
            return served
        if served is not None:
            told = self._read.against(served, self._config.tolerance)
            return Fault(told=told, do="stop") if told else None
        answers = await self._answers(endpoint, model)
        if isinstance(answers, Fault) or self._answered is None:
            return answers if isinstance(answers, Fault) else SILENT
        told = self._answered.against(answers)
        return Fault(told=told, do="stop") if told else None

    async def _answers(self, endpoint: Endpoint, model: str) -> list[str] | Fault:
        """To the first questions only, while it is not known what the local weights answer."""
        answers = list[str]()
        for chat in CHATS if self._answered else CHATS[:1]:
            body = {"model": model, "messages": chat[:1], "temperature": 0.0, self._config.tokens_name(): LENGTH}
            given = await endpoint.ask(body, 1)
            if isinstance(given, Fault):
                return given
            answers += [completion.text for completion in given]
        return answers
