"""Sampling from any endpoint that speaks OpenAI's chat completions."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field
from msgspec.structs import replace

import sparq_core as sparq

if TYPE_CHECKING:
    from sparq_openai.proof import Proof
    from sparq_openai.sampler import ChatSampler

__all__ = ["OpenAIConfig", "OpenAISampler"]

HOSTED = "https://api.openai.com/v1"
HOSTED_KEY = "OPENAI_API_KEY"


class OpenAIConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `openai`."""

    base_url: Annotated[
        str | tuple[str, ...],
        Meta(
            description="Address of the endpoint; usually ends in `/v1`. Several servers of the same model are a list: "
            "requests go to the least busy one that works."
        ),
        sparq.FREE,
    ] = HOSTED
    key_env: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None,
        Meta(
            description="The environment variable that holds the key, never the key itself; by default OPENAI_API_KEY at the "
            "default endpoint and no key elsewhere."
        ),
        sparq.FREE,
    ] = None
    concurrency: Annotated[
        tuple[sparq.Positive, sparq.Positive],
        Meta(
            description="Requests open at each server at once: to begin with, and at most; its answers set it in between."
        ),
        sparq.FREE,
    ] = (16, 256)
    timeout: Annotated[float, Meta(gt=0, description="Timeout of a request in seconds."), sparq.FREE] = 600.0
    retries: Annotated[
        sparq.NonNegative,
        Meta(
            description="Tries after a request's first that failed; after the last the run stops, resumably. Where nobody was "
            "ever reached, three at most."
        ),
        sparq.FREE,
    ] = 10
    backoff: Annotated[
        float,
        Meta(gt=0, description="Most seconds before the first retry; doubled for each further one, up to a minute."),
        sparq.FREE,
    ] = 0.5
    patience: Annotated[
        float,
        Meta(
            gt=0,
            description="Seconds that a server may ask to wait by `Retry-After`; if it asks for more, the run stops.",
        ),
        sparq.FREE,
    ] = 600.0
    n_per_request: Annotated[
        sparq.Positive | None,
        Meta(
            description="Most samples asked for by one request; by default all, and one each where the server gives no more."
        ),
    ] = None
    send_seed: Annotated[bool, Meta(description="Send each request's seed; some hosted models reject it.")] = True
    max_tokens_name: Annotated[
        Literal["max_tokens", "max_completion_tokens"] | None,
        Meta(description="The endpoint's name for it; by default max_completion_tokens at the default endpoint only."),
    ] = None
    served_name: Annotated[
        str | None,
        Meta(description="What the servers call the model; by default its name, or the path of its folder."),
    ] = None
    reload: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="A program and its arguments that make a server serve other weights, so that the model can be trained: "
            "`{model}` stands for their folder, `{url}` for the server, `{round}` for the training's number. It is run where "
            "log-probabilities show that a server serves other weights than the local ones."
        ),
        sparq.FREE,
    ] = None
    tolerance: Annotated[
        float,
        Meta(
            gt=0,
            description="Most that log-probabilities of a token may differ, on average, between a server and local weights.",
        ),
        sparq.FREE,
    ] = 0.05
    extra: Annotated[
        Mapping[str, Any], Meta(description="Further fields of every request, such as `top_k` or `reasoning_effort`.")
    ] = field(default_factory=dict)

    def key_name(self) -> str | None:
        """The environment variable a key is read from, or None where none is sent."""
        return self.key_env or (HOSTED_KEY if self.hosted else None)

    def tokens_name(self) -> str:
        """The field that bounds a completion's tokens."""
        return self.max_tokens_name or ("max_completion_tokens" if self.hosted else "max_tokens")

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the servers are."""
        return (self.base_url,) if isinstance(self.base_url, str) else self.base_url

    @property
    def hosted(self) -> bool:
        """Whether the endpoint is OpenAI's own."""
        return [url.rstrip("/") for url in self.urls] == [HOSTED]


class OpenAISampler:
    """
    Serves a model behind an OpenAI-compatible API: vLLM's own server, SGLang, llama.cpp, Ollama, or a hosted one.

    As many requests are open at once as the server bears; what fails for the moment is asked again, so no attempt is lost.
    Of several servers, one that fails is left alone until it works again. Equal requests need not give equal completions.
    With `reload`, the model is a local one that the servers serve, and they are shown to serve it before it is sampled.
    """

    requires: ClassVar[Mapping[str, str]] = {"openai": "sparq-engine[openai]"}

    def __init__(self, config: OpenAIConfig) -> None:
        self._config = config
        self.trainable = config.reload is not None
        self._run: sparq.Run | None = None
        self._failure = ""

    @sparq.hookimpl
    def check(self, run: sparq.Run, model: sparq.Model) -> list[sparq.Finding]:
        found = [("chat_template", _template(model)), *_urls(self._config)]
        found += [("with.key_env", _key(self._config)), ("with.concurrency", _concurrency(self._config.concurrency))]
        errors = [sparq.Finding(level="error", place=place, message=told) for place, told in found if told]
        if self._config.reload is not None:
            from sparq_openai import trained

            errors += trained.findings(self._config.reload, run, model)
        return errors or self._served(model)

    def _served(self, model: sparq.Model) -> list[sparq.Finding]:
        """What the servers themselves say; OpenAI's own is not asked, since only the pipeline can be wrong about it."""
        if self._config.hosted:
            return []
        from sparq_openai.models import findings

        key = os.environ.get(self._config.key_env or "", "").strip()
        told = findings(self._config.urls, self._config.served_name or model.path, key)
        return [replace(found, level="warning") for found in told] if self.trainable else list(told)

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        self._run = run

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> "ChatSampler":
        from sparq_openai.sampler import ChatSampler

        proof = self._served_weights(model) if self.trainable else None
        return ChatSampler(model, self._config, proof)

    def _served_weights(self, model: sparq.Model) -> "Proof":
        """Have the servers serve the weights; where that failed, for whichever step asked first, it fails for all."""
        from sparq_openai.swap import serve_weights
        from sparq_openai.weights import Weights

        if self._failure:
            raise sparq.SparqError(self._failure)
        try:
            return serve_weights(Weights.of(self._run, model), self._config)
        except sparq.SparqError as error:
            self._failure = str(error)
            raise


def _template(model: sparq.Model) -> str:
    if model.chat_template is None:
        return ""
    return "the endpoint applies a template of its own; leave this out and set it there (vllm serve --chat-template)"


def _urls(config: OpenAIConfig) -> Iterator[tuple[str, str]]:
    """What is wrong with the addresses, each by its place."""
    if not config.urls:
        yield "with.base_url", "lists no address; give one such as http://127.0.0.1:8000/v1"
    for i, url in enumerate(config.urls):
        place = "with.base_url" if isinstance(config.base_url, str) else f"with.base_url[{i}]"
        yield place, "stands there twice; give each address once" if url in config.urls[:i] else _url(url)


def _url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and base_url.isprintable()
    except ValueError:
        usable = False
    if not usable:
        return "must be an address such as http://127.0.0.1:8000/v1"
    if parts.username or parts.password:
        return "holds a password, which would be written down with the run; name its environment variable by key_env"
    if parts.query or parts.fragment:
        return "goes on after a ? or #, where keys are written down with the run; name the key's variable by key_env"
    return ""


def _key(config: OpenAIConfig) -> str:
    name = config.key_name()
    key = os.environ.get(name, "").strip() if name else ""
    if name and not key:
        return f"the environment variable {name} is not set; export it with the endpoint's key, or name another one"
    if key and not (key.isascii() and key.isprintable()):
        return (
            f"the environment variable {name} has characters that no key has; export it with the endpoint's key alone"
        )
    return ""


def _concurrency(bounds: tuple[int, int]) -> str:
    start, most = bounds
    return f"is upside down: it begins with {start}, which is more than {most}" if start > most else ""
