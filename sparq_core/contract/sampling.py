"""Requests to samplers, and how hooks reach models: every completion that a hook pays for is recorded."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from sparq_core.contract.randomness import derive, generator
from sparq_core.contract.records import Finish, Message


class Sampling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to draw a completion. Plugins that sample extend it with their own options."""

    temperature: Annotated[float, Meta(ge=0, description="Sampling temperature; 0 is greedy.")] = 1.0
    top_p: Annotated[float, Meta(gt=0, le=1, description="Probability mass to sample from (nucleus sampling).")] = 1.0
    max_tokens: Annotated[int, Meta(ge=1, le=10**8, description="Maximum number of tokens of a completion.")] = 1024
    stop: Annotated[
        tuple[str, ...], Meta(description="Strings that end a completion; they are not part of its text.")
    ] = ()
    dropout: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="Share of the model's vocabulary that a completion goes without, drawn anew for each from its seed; 0: "
            "none. Models of `hf` and `vllm` can, in replicas of `ray` too.",
            extra={"sparq": "later"},
        ),
    ] = 0.0


class Request(Struct, frozen=True, kw_only=True):
    """One prompt and how to sample from it: sample j of `n` is drawn from seed + j."""

    messages: tuple[Message, ...]
    """The chat so far; the model answers the last turn."""
    seed: int
    """Of the first sample."""
    sampling: Sampling
    """How to draw."""
    n: int = 1
    """Samples to draw."""


class Completion(Struct, frozen=True, kw_only=True, gc=False):
    """What a model answered."""

    text: str
    """Without the strings of `stop`."""
    finish: Finish
    """
    `stop`: ended by itself; `length`: cut at `max_tokens`, or at 2^20 characters; `too-long`: the prompt does not fit the
    model; `refused`: the model or its server would not answer.
    """
    tokens: int
    """Tokens sampled, the end token included."""
    prompt_tokens: int = 0
    """Tokens of the prompt, on the first completion of a request; 0 on the others."""


class Sampler(Protocol):
    """
    A model that is ready to be sampled. Thread-safe.

    It may also have five further attributes: `slots`, the number of sequences that it works on at once, which `in_flight: auto`
    uses; `load`, the number of sequences that it has not answered yet, by which its idle share is measured; `retries`, the
    number of requests that it sent again so far; `waited`, the seconds that it waited before, added up over requests; and
    `by_replica`, which maps the name of each of its replicas to two numbers: the completions that it drew so far, and how many
    times it was lost.
    """

    deterministic: bool
    """Whether the same call gives the same completions, regardless of calls before it or at the same time."""
    digest: str
    """Of the weights being served."""

    def sample(self, requests: Sequence[Request]) -> Sequence[Sequence[Completion]]:
        """`n` completions per request, in the order of the requests."""

    def close(self) -> None:
        """Free the model; called once."""


class Recorded(Struct, frozen=True, kw_only=True, gc=False):
    """A completion that a hook paid for, as the ledger keeps it."""

    hook: str
    """The hook that asked."""
    plugin: str
    """The plugin that asked, by its name in the pipeline."""
    ordinal: int
    """Counts from 0 among all requests of the plugin from this hook in this step; a draft names it."""
    role: str
    """Which role was asked."""
    model: str
    """Digest of the weights that answered."""
    seed: int
    """What it was drawn from."""
    finish: Finish
    """How it ended."""
    tokens: int
    """Tokens sampled, the end token included."""
    text: str
    """What the model answered."""
    prompt_tokens: int = 0
    """Tokens of the prompt."""


class Llm:
    """
    A hook's way to the models: `llm("generator").complete(prompts, sampling)`.

    Each completion's seed follows from the step, the hook, the plugin and its ordinal among all that the plugin asks from
    this hook in this step; so a plugin that asks the same questions in the same order gets the same answers. One `Llm`
    belongs to one call of one hook and is not shared between threads.
    """

    def __init__(
        self, place: tuple[int | str, ...], hook: str, plugin: str, serve: Callable[[str], Sampler], begun: int = 0
    ) -> None:
        self._place, self._hook, self._plugin, self._serve, self._begun = place, hook, plugin, serve, begun
        self.recorded: list[Recorded] = []

    def __call__(self, role: str) -> "RoleModel":
        """The model that plays `role`: generator, solver, labeller, or another role the pipeline names."""
        return RoleModel(self, role)

    def ask(self, role: str, prompts: Sequence[str], sampling: Sampling) -> list[Recorded]:
        """As `llm(role).complete(prompts, sampling)`."""
        sampler = self._serve(role)
        first = self._begun + len(self.recorded)
        seeds = [derive(*self._place, self._hook, self._plugin, first + i) for i in range(len(prompts))]
        requests = [
            Request(messages=(Message("user", prompt),), seed=seed, sampling=sampling)
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        answers = [
            Recorded(
                hook=self._hook,
                plugin=self._plugin,
                ordinal=first + i,
                role=role,
                model=sampler.digest,
                seed=seeds[i],
                finish=completion.finish,
                tokens=completion.tokens,
                text=completion.text,
                prompt_tokens=completion.prompt_tokens,
            )
            for i, (completion,) in enumerate(sampler.sample(requests))
        ]
        self.recorded += answers
        return answers


class RoleModel:
    """One role's model, as a hook sees it."""

    def __init__(self, llm: Llm, role: str) -> None:
        self._llm, self._role = llm, role

    def complete(self, prompts: Sequence[str], sampling: Sampling) -> list[Recorded]:
        """One recorded completion per prompt, in order; each prompt is one user turn."""
        return self._llm.ask(self._role, prompts, sampling)


class Place:
    """
    A step of a run as its hooks draw on it: randomness of their own, and models whose completions are recorded.

    `serve` gives a role's sampler; without it no model can be asked. `begun` tells how many completions a plugin has had there
    for a hook before, by the names of both: the next ones are counted on from there.
    """

    def __init__(
        self,
        seed: int,
        round: int,
        step: int,
        serve: Callable[[str], Sampler] = NotImplemented,
        begun: Callable[[str, str], int] = lambda hook, plugin: 0,  # noqa: ARG005 -- by position
    ) -> None:
        self.round, self.step = round, step
        self._seed, self._serve, self._begun = seed, serve, begun
        self._llms: list[Llm] = []

    def __str__(self) -> str:
        return f"step {self.round}.{self.step}"

    def rng(self, hook: str, plugin: str) -> Random:
        """The generator of one plugin's answer to a hook in this step."""
        return generator(self._seed, self.round, self.step, hook, plugin)

    def llm(self, hook: str, plugin: str) -> Llm:
        """One plugin's way to the models while it answers a hook in this step."""
        begun = self._begun(hook, plugin)
        self._llms.append(Llm((self._seed, self.round, self.step), hook, plugin, self._serve, begun))
        return self._llms[-1]

    @property
    def completions(self) -> tuple[Recorded, ...]:
        """All completions paid for here, in the order of the calls."""
        return tuple(completion for llm in self._llms for completion in llm.recorded)
