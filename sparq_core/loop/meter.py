"""Counters of a run: what one committed step adds, and the equations they must satisfy."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from sparq_core.contract.config import Pipeline, Prices
from sparq_core.contract.tally import Busy, Tally, Used
from sparq_core.ledger.entries import StepRecord
from sparq_core.loop.serving import Occupancy

MILLION = 1_000_000


class Meter:
    """Counts the steps of a session: what came of them, their tokens, their money, and the wall clock between commits."""

    def __init__(self, pipeline: Pipeline, occupancy: Occupancy | None = None) -> None:
        self._occupancy = occupancy
        models = {role: pipeline.models[name] for role, name in pipeline.cast_of_roles().items()}
        self._prices = {role: model.prices for role, model in models.items() if model.prices}
        self._last = time.monotonic()

    def add(self, tally: Tally, record: StepRecord) -> Tally:
        """The counters after one more step, committed now."""
        before, self._last = self._last, time.monotonic()
        busy = self._occupancy.take() if self._occupancy else Busy()
        seconds = tally.seconds + self._last - before
        return self.priced(replace(add(tally, record), seconds=seconds, busy=tally.busy + busy))

    def priced(self, tally: Tally) -> Tally:
        """The counters with the money of all their tokens, at the prices of this session."""
        return replace(tally, cost=cost(tally.used, self._prices) if self._prices else None)


def cost(used: Mapping[str, Used], prices: Mapping[str, Prices]) -> float:
    """Money for tokens by role; a role without prices is free."""
    return sum(
        (used[role].prompt * price.input + used[role].sampled * price.output) / MILLION
        for role, price in prices.items()
        if role in used
    )


def add(tally: Tally, record: StepRecord) -> Tally:
    """The counters after one more step."""
    children = [worked.child for worked in record.worked]
    judged = [j for _, every in record.attempted for j in every]
    seeds = record.round == 0
    outcomes = Counter(tally.outcomes)
    reasons = Counter(tally.reasons)
    if not seeds:
        outcomes.update(child.outcome for child in children)
        reasons.update(f"{c.rejection.plugin}: {c.rejection.reason}" for c in children if c.rejection)
    return Tally(
        outcomes=dict(outcomes),
        reasons=dict(reasons),
        verdicts=dict(Counter(tally.verdicts) + Counter(j.verdict.value for j in judged)),
        why=dict(Counter(tally.why) + Counter(f"{j.verdict.value}: {j.verdict.reason}" for j in judged)),
        seeds=tally.seeds + seeds * len(children),
        seeds_kept=tally.seeds_kept + seeds * sum(child.outcome == "kept" for child in children),
        unparsed=tally.unparsed
        + (not seeds) * sum(c.rejection is not None and c.rejection.hook == "propose" for c in children),
        used=_united(tally.used, _used(record)),
        cost=tally.cost,
        seconds=tally.seconds,
        busy=tally.busy,
    )


def _used(record: StepRecord) -> Iterator[tuple[str, Used]]:
    """The tokens of each completion of a step, with the role that took them."""
    for _, every in record.attempted:
        for judged in every:
            yield "solver", Used(judged.attempt.prompt_tokens, judged.attempt.tokens)
    for completion in record.completions:
        yield completion.role, Used(completion.prompt_tokens, completion.tokens)


def _united(before: Mapping[str, Used], more: Iterator[tuple[str, Used]]) -> dict[str, Used]:
    used = dict(before)
    for role, tokens in more:
        so_far = used.get(role, Used())
        used[role] = Used(so_far.prompt + tokens.prompt, so_far.sampled + tokens.sampled)
    return used
