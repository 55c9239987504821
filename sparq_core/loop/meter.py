"""What a session spends: each step's counters when it is committed, and what is drawn and not yet committed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.config import Pipeline
from sparq_core.contract.sampling import Completion
from sparq_core.contract.tally import Busy, Replicas, Retried, Tally, Used, priced, prices_of
from sparq_core.ledger.entries import StepRecord
from sparq_core.loop.occupancy import Occupancy

MOST_REASONS = 32
"""Reasons that are counted each by itself: the counters are written with every step, and a judge may never repeat itself."""
LONGEST_REASON = 120
"""Letters by which a reason is counted; its row has the whole of it."""
OTHER = ": other reasons"


class Spent(Struct, frozen=True):
    """What a step, or several, drew."""

    attempts: int = 0
    used: Mapping[str, Used] = {}
    """Tokens by role."""

    @classmethod
    def of(cls, record: StepRecord) -> "Spent":
        """By one step."""
        return cls(sum(len(judged) for _, judged in record.attempted), united({}, _used(record)))

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.attempts + other.attempts, united(self.used, other.used.items()))

    def beside(self, tally: Tally) -> Tally:
        """The counters with this as well, though it is not committed; its attempts have no verdict yet."""
        verdicts = {**tally.verdicts, "": tally.verdicts.get("", 0) + self.attempts}
        return replace(tally, verdicts=verdicts, used=united(tally.used, self.used.items()))


class Meter:
    """
    Counts a run: what came of its steps, their tokens, their money, and the wall clock between commits.

    `drew` may be called from any thread, all else belongs to the engine's.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        tally: Tally | None = None,
        occupancy: Occupancy | None = None,
        retried: Callable[[], Retried] = Retried,
        replicas: Callable[[], Mapping[str, Replicas]] = dict,
    ) -> None:
        self._occupancy, self._retried, self._retried_before = occupancy, retried, Retried()
        self._replicas, self._lost_before = replicas, {} if tally is None else tally.replicas
        self._model_of = pipeline.cast_of_roles()
        self._prices = prices_of(pipeline)
        self._last, self._lock = time.monotonic(), threading.Lock()
        self._drawn: Counter[tuple[str, str]] = Counter()
        self.tally = self.priced(tally or Tally())
        """The counters after the last commit."""

    def add(self, record: StepRecord) -> Tally:
        """The counters after one more step, committed now."""
        before, self._last = self._last, time.monotonic()
        busy = self._occupancy.take() if self._occupancy else Busy()
        seconds = self.tally.seconds + self._last - before
        retried_before, self._retried_before = self._retried_before, self._retried()
        retried = self.tally.retried + (self._retried_before - retried_before)
        spent, busy = Spent.of(record), self.tally.busy + busy
        told = {"seconds": seconds, "busy": busy, "retried": retried, "replicas": self._all_replicas()}
        self.tally = self.priced(replace(add(self.tally, record, spent), **told))
        with self._lock:
            for role, used in spent.used.items():
                self._drawn -= Counter({(self._model_of[role], "prompt"): used.prompt})
                self._drawn -= Counter({(self._model_of[role], "sampled"): used.sampled})
        return self.tally

    def _all_replicas(self) -> dict[str, Replicas]:
        """Those of all models, with what was lost of them in earlier sessions."""
        now, before = self._replicas(), self._lost_before
        lost = {model: own.lost + (before[model].lost if model in before else 0) for model, own in now.items()}
        return {**before, **{model: replace(own, lost=lost[model]) for model, own in now.items()}}

    def priced(self, tally: Tally) -> Tally:
        """The counters with the money of all their tokens, at the prices of this session."""
        return priced(tally, self._prices)

    def drew(self, model: str, completions: Sequence[Sequence[Completion]]) -> None:
        """Count what a model has just answered."""
        with self._lock:
            self._drawn[model, "prompt"] += sum(c.prompt_tokens for every in completions for c in every)
            self._drawn[model, "sampled"] += sum(c.tokens for every in completions for c in every)

    def uncommitted(self) -> Tally:
        """The tokens and the money of what is drawn and not yet committed."""
        with self._lock:
            used = {
                role: Used(self._drawn[model, "prompt"], self._drawn[model, "sampled"])
                for model, role in {model: role for role, model in self._model_of.items()}.items()
            }
        return self.priced(Tally(used=used))

    @property
    def seconds(self) -> float:
        """Wall clock up to now, summed over all sessions."""
        return self.tally.seconds + time.monotonic() - self._last


def add(tally: Tally, record: StepRecord, spent: Spent) -> Tally:
    """The counters after one more step, which drew this much."""
    children = [worked.child for worked in record.worked]
    judged = [j for _, every in record.attempted for j in every]
    seeds = record.round == 0
    outcomes = Counter(tally.outcomes)
    rejections = [] if seeds else [child.rejection for child in children if child.rejection]
    if not seeds:
        outcomes.update(child.outcome for child in children)
    return Tally(
        outcomes=dict(outcomes),
        reasons=counted(tally.reasons, (f"{r.plugin}: {r.reason}" for r in rejections)),
        verdicts=dict(Counter(tally.verdicts) + Counter(j.verdict.value for j in judged)),
        why=counted(tally.why, (f"{j.verdict.value}: {j.verdict.reason}" for j in judged)),
        seeds=tally.seeds + seeds * len(children),
        seeds_kept=tally.seeds_kept + seeds * sum(child.outcome == "kept" for child in children),
        unparsed=tally.unparsed + (not seeds) * sum(c.rejection is not None and c.rejection.unread for c in children),
        used=united(tally.used, spent.used.items()),
        cost=tally.cost,
        seconds=tally.seconds,
        busy=tally.busy,
        retried=tally.retried,
        replicas=tally.replicas,
    )


def counted(before: Mapping[str, int], more: Iterable[str]) -> dict[str, int]:
    """Counts by `who: reason` with more of them: the most frequent reasons each by itself, the rest by who gave them."""
    counts = Counter(before)
    counts.update(reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…" for reason in more)
    named = sorted((reason for reason in counts if not reason.endswith(OTHER)), key=lambda r: (-counts[r], r))
    for reason in named[MOST_REASONS:]:
        counts[reason.partition(": ")[0] + OTHER] += counts.pop(reason)
    return dict(counts)


def _used(record: StepRecord) -> Iterator[tuple[str, Used]]:
    """The tokens of each completion of a step, with the role that took them."""
    for _, every in record.attempted:
        for judged in every:
            yield "solver", Used(judged.attempt.prompt_tokens, judged.attempt.tokens)
    for completion in record.completions:
        yield completion.role, Used(completion.prompt_tokens, completion.tokens)


def united(before: Mapping[str, Used], more: Iterable[tuple[str, Used]]) -> dict[str, Used]:
    """Tokens by role, with more of them."""
    used = dict(before)
    for role, tokens in more:
        so_far = used.get(role, Used())
        used[role] = Used(so_far.prompt + tokens.prompt, so_far.sampled + tokens.sampled)
    return used
