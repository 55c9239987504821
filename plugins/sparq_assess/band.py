"""The band: the paper's rule for which problems are worth keeping."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

import sparq_core as sparq

LOW, HIGH = 0.1, 0.9
"""The paper's T_l and T_u."""


class BandConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `band`."""

    correct: Annotated[
        tuple[int, int] | None,
        Meta(description="Least and most correct attempts worth keeping; by default a tenth to nine tenths of K."),
    ] = None
    disputed: Annotated[
        float | None,
        Meta(
            description="Share of the attempts that must agree on another answer than the reference, and outvote it, for a "
            "problem to be disputed; none: never."
        ),
    ] = None
    shrink: Annotated[
        float,
        Meta(
            ge=0,
            description="Attempts, half of them right, thought to be added when quality is made of the solve rate: few then "
            "say less than many; 0: none (paper).",
        ),
    ] = 0.0


class Band:
    """
    Keep problems solved at least `correct[0]` and at most `correct[1]` times.

    A problem on which the attempts agree against its reference may be set apart as disputed.

    Quality is 1 − solve rate inside the band, 0 outside (SPARQ section 2). The band is stated in counts, since a rate
    changes its meaning with K. Where some attempts are undecided, the solve rate of the decided ones is scaled to K.
    """

    def __init__(self, config: BandConfig) -> None:
        self._correct, self._disputed, self._shrink = config.correct, config.disputed, config.shrink
        self._k = 0

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        self.set(run.pipeline.attempts.k)

    def set(self, k: int) -> None:
        """Fit the band to K attempts."""
        self._k, self._correct = k, band_of(self._correct, k)

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> Sequence[None]:
        band_of(self._correct, run.pipeline.attempts.k)
        return ()

    @sparq.hookimpl
    def assess(self, cases: Sequence[sparq.Case]) -> list[sparq.Assessment]:
        return [self._assess(case) for case in cases]

    def decide(self, counts: sparq.Counts) -> sparq.Outcome:
        """What a problem is, from the counts of its attempts alone; policies that stop early ask."""
        return self._place(counts)[0]

    def _assess(self, case: sparq.Case) -> sparq.Assessment:
        outcome, reason = self._place(case.counts)
        if self._disputed is not None and (rival := rival_of(case, self._disputed)) is not None:
            return sparq.Assessment(outcome="disputed", reason=f"most attempts say {rival[:60]}")
        quality = self.quality(self._believed(case)) if outcome == "kept" else 0.0
        return sparq.Assessment(outcome=outcome, reason=reason, quality=quality)

    def _believed(self, case: sparq.Case) -> float:
        """The solve rate, drawn towards one half by the doubt that so few attempts leave."""
        rate, decided = case.solve_rate or 0.0, case.counts.decided
        return (rate * decided + self._shrink / 2) / (decided + self._shrink)

    def quality(self, rate: float) -> float:
        """The quality of a kept problem with this solve rate."""
        return 1 - rate

    def _place(self, counts: sparq.Counts) -> tuple[sparq.Outcome, str]:
        assert self._correct is not None  # noqa: S101 -- `start` set it
        low, high = self._correct
        if not counts.decided:
            return "unresolved", "nothing decided"
        if counts.correct * self._k < low * counts.decided:
            return "out-of-band", "too hard"
        if counts.correct * self._k > high * counts.decided:
            return "out-of-band", "too easy"
        return "kept", ""


def rival_of(case: sparq.Case, share: float) -> str | None:
    """An answer that at least this share of the attempts gives against the reference, and more of them than the reference."""
    wrong = Counter(j.verdict.answer for j in case.judged if j.verdict.value == "incorrect" and j.verdict.answer)
    if not wrong:
        return None
    answer, votes = wrong.most_common(1)[0]
    return answer if votes > case.counts.correct and votes >= share * case.counts.drawn else None


def band_of(correct: tuple[int, int] | None, k: int) -> tuple[int, int]:
    """The band in counts of K attempts; sparq.PipelineError where it holds none or does not fit."""
    low, high = correct or (max(1, math.ceil(LOW * k)), math.floor(HIGH * k))
    if low > high:
        raise sparq.PipelineError(f"band.correct: [{low}, {high}] is upside down or empty for attempts.k = {k}")
    if low < 0 or high > k:
        raise sparq.PipelineError(f"band.correct: [{low}, {high}] does not fit attempts.k = {k}: use 0 to {k}")
    return low, high
