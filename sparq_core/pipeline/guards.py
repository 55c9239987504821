"""The objects that plugins hand over, samplers and policies: each answer they give is held to their contract."""

from collections.abc import Sequence
from typing import Any, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError, PluginError
from sparq_core.contract.policy import AllAtOnce, Policy
from sparq_core.contract.records import Counts, Finish
from sparq_core.contract.sampling import Completion, Request, Sampler
from sparq_core.contract.tally import Replicas, Retried
from sparq_core.contract.texts import LONGEST_TEXT
from sparq_core.pipeline.calls import Call
from sparq_core.pipeline.checks import aligned, copied, finite

NONE = Counts()
FINISHES = frozenset(get_args(Finish))
MOST_TOKENS = 2**40
"""More than any count of tokens can be; SQLite's integers hold it a million times over."""

NO_DROPOUT = "what '{use}' serves cannot go without tokens; omit dropout, or serve the model by hf or vllm"


class GuardedSampler:
    """
    A sampler whose completions are as many as were asked for, and well-formed.

    This is where a model's text comes in, and where it is settled what a text may be: any Unicode, control characters included.
    What UTF-8 cannot hold becomes U+FFFD. A text longer than `LONGEST_TEXT` is cut there and ends with `length`, as one does
    that was cut by its model: the attempt is truncated, the child not read. All that stands behind may rely on both.
    """

    def __init__(self, call: Call, sampler: object, dropout: bool = False) -> None:
        self._call, self._dropout = call, dropout
        for name in ("sample", "close"):
            if not callable(getattr(sampler, name, None)):
                raise call.wrong(sampler, f"it has no method `{name}`")
        self._sampler = cast("Sampler", sampler)
        self.deterministic = copied(call, getattr(sampler, "deterministic", None), bool)
        self.digest = copied(call, getattr(sampler, "digest", None), str)
        self.slots: int | None = copied(call, getattr(sampler, "slots", None), int | None)
        copied(call, [self.retried.requests, self.retried.seconds], tuple[int, float])
        _ = self.replicas

    @property
    def load(self) -> int | None:
        load: int | None = getattr(self._sampler, "load", None)
        return load

    @property
    def retried(self) -> Retried:
        """What it sent again so far."""
        return Retried(getattr(self._sampler, "retries", 0), getattr(self._sampler, "waited", 0.0))

    @property
    def replicas(self) -> Replicas | None:
        """Its replicas so far; None where it tells of none."""
        told = copied(self._call, getattr(self._sampler, "by_replica", {}), dict[str, tuple[int, int]])
        drawn = [completions for completions, _ in told.values()]
        lost = sum(times for _, times in told.values())
        return Replicas(len(drawn), min(drawn), max(drawn), lost) if drawn else None

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """As the sampler does; PluginError where it does not keep its contract, TypeError where it is asked anything else."""
        for request in requests:
            if not isinstance(request, Request):
                raise TypeError(f"a sampler is asked by a list of Requests, not of {type(request).__name__}")
            if request.sampling.dropout and not self._dropout:
                raise PipelineError(f"dropout: {NO_DROPOUT.format(use=self._call.plugin)}")
        with self._call:
            answers = self._sampler.sample(requests)
        if not isinstance(answers, list | tuple) or len(answers) != len(requests):
            raise self._call.wrong(
                answers, f"`sample` answers a list with one list for each of {len(requests)} requests"
            )
        return [
            list(completions)
            if isinstance(completions, list) and len(completions) == request.n and all(map(_is_plain, completions))
            else [self._checked(c) for c in aligned(self._call, completions, Completion, request.n)]
            for request, completions in zip(requests, answers, strict=True)
        ]

    def _checked(self, completion: Completion) -> Completion:
        for count in (completion.tokens, completion.prompt_tokens):
            if not 0 <= count < MOST_TOKENS:
                raise self._call.wrong(completion, f"{count} is no count of tokens")
        if len(completion.text) > LONGEST_TEXT:
            return replace(completion, text=completion.text[:LONGEST_TEXT], finish="length")
        return completion

    def close(self) -> None:
        """Free the model."""
        with self._call:
            self._sampler.close()


def _is_plain(completion: object) -> bool:
    """Whether a completion needs no copy: frozen, all its types right, its text plain ASCII and not too long."""
    return (
        type(completion) is Completion
        and type(completion.text) is str
        and completion.text.isascii()
        and len(completion.text) <= LONGEST_TEXT
        and type(completion.finish) is str
        and completion.finish in FINISHES
        and type(completion.tokens) is int
        and 0 <= completion.tokens < MOST_TOKENS
        and type(completion.prompt_tokens) is int
        and 0 <= completion.prompt_tokens < MOST_TOKENS
    )


class Ration(Struct, frozen=True):
    """
    How many attempts one problem gets: a policy's say, and never more than `most`.

    Asked between waves with the counts so far.
    """

    policy: Policy
    most: int
    parents: Counts = NONE
    call: Call | None = None
    """Where a plugin answers; None for the core's own rule."""

    def more(self, counts: Counts) -> int:
        """Attempts of the next wave, 0 when there were enough; PluginError for more than is left."""
        n: int = self._asked(self.policy.more, counts, int)
        if not 0 <= n <= self.most - counts.drawn:
            raise self._wrong(n, f"`more` says {n} after {counts.drawn} of at most {self.most} attempts")
        return n

    def gave_up(self, counts: Counts) -> bool:
        """Whether attempts ended early because the problem would not be kept."""
        gave_up: bool = self._asked(self.policy.gave_up, counts, bool)
        return gave_up

    def solve_rate(self, counts: Counts) -> float | None:
        """The unbiased solve rate; None where nothing was decided."""
        rate: float | None = self._asked(self.policy.solve_rate, counts, float | None)
        if rate is not None and self.call:
            finite(self.call, rate, rate, "a solve rate")
            if not 0 <= rate <= 1:
                raise self._wrong(rate, f"`solve_rate` says {rate}")
        return rate

    def _asked(self, method: Any, counts: Counts, kind: Any) -> Any:
        if self.call is None:
            return method(counts, self.parents)
        with self.call:
            answer = method(counts, self.parents)
        return copied(self.call, answer, kind)

    def _wrong(self, gave: object, why: str) -> PluginError:
        return (self.call or Call("attempts", "attempts", hookspecs.policy)).wrong(gave, why)


class Rationing(Struct, frozen=True):
    """What the hook `policy` came to: it gives each problem its ration of attempts."""

    policy: Policy | None = None
    """None: all at once."""
    call: Call | None = None

    @property
    def of_parents(self) -> bool:
        """Whether rations depend on how the attempts at the parents came out."""
        return bool(getattr(self.policy, "of_parents", False))

    def ration(self, most: int, parents: Counts = NONE) -> Ration:
        """The ration of a problem that may have `most` attempts."""
        return Ration(self.policy or AllAtOnce(most), most, parents, self.call)
