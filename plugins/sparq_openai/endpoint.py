"""One server over HTTP: what it is asked, and what comes of it. Imports the client: only for an open model."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import openai
from msgspec.structs import replace

import sparq_core as sparq
from sparq_openai.bounds import bound
from sparq_openai.faults import Fault, fault_of
from sparq_openai.replies import completions, echoed, read
from sparq_openai.secrets import Secret

if TYPE_CHECKING:
    from sparq_openai import OpenAIConfig

NO_KEY = "none"
"""What is sent where no key is asked for: the client wants one."""
CONNECTING = 30.0
"""Seconds that a connection may take to be made."""
PROBING = 10.0
"""Seconds that a server may take to show that it is there."""
WITHOUT_LOGPROBS = {400, 404, 405, 422, 501}
"""Statuses of a server that has no such completions."""


class Endpoint:
    """One server, asked once each time: an answer, or the fault it came to."""

    def __init__(self, url: str, config: "OpenAIConfig", key: str, secret: Secret) -> None:
        self._config, self._secret = config, secret
        self._client = _client(url, config, key)

    async def ask(self, body: Mapping[str, Any], n: int) -> list[sparq.Completion] | Fault:
        """Up to `n` completions."""
        try:
            async with asyncio.timeout(self._config.timeout):
                raw = await self._client.chat.completions.with_raw_response.create(**body)
            return [replace(c, text=self._secret.out_of(c.text)) for c in completions(read(raw.content), n)]
        except Exception as error:
            if (fault := self._fault(error, n)) is None:
                raise
            return fault

    async def logprobs(self, model: str, texts: Sequence[Sequence[int]]) -> list[list[float]] | Fault | None:
        """The log-probabilities of the tokens of texts, each but its first; None where the server tells none."""
        asked: dict[str, Any] = {"model": model, "echo": True, "logprobs": 1, "max_tokens": 1, "temperature": 0.0}
        told = []
        for tokens in texts:
            try:
                async with asyncio.timeout(self._config.timeout):
                    raw = await self._client.completions.with_raw_response.create(prompt=list(tokens), **asked)
            except Exception as error:
                if (fault := self._fault(error)) is None:
                    raise
                return None if fault.status in WITHOUT_LOGPROBS else fault
            if (logprobs := echoed(raw.content, len(tokens))) is None:
                return None
            told.append(logprobs)
        return told

    async def probe(self) -> Fault | None:
        """What shows that it does not work: asked for its models it answers nothing, or a 429 or 5xx."""
        try:
            async with asyncio.timeout(min(PROBING, self._config.timeout)):
                await self._client.models.with_raw_response.list()
        except Exception as error:
            if (fault := self._fault(error)) is None:
                raise
            return fault if fault.do == "retry" else None
        return None

    def _fault(self, error: Exception, n: int = 1) -> Fault | None:
        fault = fault_of(error, n)
        return replace(fault, told=self._secret.out_of(fault.told)) if fault else None

    async def close(self) -> None:
        """End its connections."""
        await self._client.close()


def _client(url: str, config: "OpenAIConfig", key: str) -> openai.AsyncOpenAI:
    """A client that retries nothing itself, and tells strangers nothing that the environment says of an OpenAI account."""
    timeout = openai.Timeout(None, connect=CONNECTING)
    client = openai.AsyncOpenAI(
        api_key=key or NO_KEY,
        base_url=url,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [bound]}),
    )
    if not config.hosted:
        client.organization = client.project = None
    return client
