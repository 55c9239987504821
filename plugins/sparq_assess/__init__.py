"""What the attempts at a problem mean: the paper's band, and other ways (R-Zero, OpenSIR, online difficulty filtering)."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig

__all__ = ["Band", "BandConfig", "Learnability", "LearnabilityConfig", "Majority", "MajorityConfig"]


class LearnabilityConfig(BandConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `learnability`."""


class Learnability(Band):
    """
    Quality is 4 p (1 − p) of the solve rate p: 1 where half of the attempts are right, 0 where all or none are.

    What is kept is the band's, by default a tenth to nine tenths of K.
    """

    def __init__(self, config: LearnabilityConfig) -> None:
        super().__init__(config)

    def quality(self, rate: float) -> float:
        return 4 * rate * (1 - rate)


class MajorityConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `majority`."""

    agree: Annotated[
        tuple[float, float],
        Meta(description="Least and greatest share of the attempts that must give the most frequent answer."),
    ] = (0.3, 0.8)


class Majority:
    """
    The reference is the most frequent answer of the attempts, not the generator's own (R-Zero); its share is the solve rate.

    Answers are the same here if their texts are, spaces aside. Needs all K attempts. A majority of a weak model is often
    wrong, and more so each round: 79, 69, 63% right over three rounds of R-Zero.
    """

    def __init__(self, config: MajorityConfig) -> None:
        self._low, self._high = config.agree

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        if 0 <= self._low <= self._high <= 1:
            return []
        return [
            sparq.Finding(
                level="error", place="with.agree", message=f"[{self._low}, {self._high}] is not a range of shares"
            )
        ]

    @sparq.hookimpl
    def assess(self, cases: Sequence[sparq.Case]) -> list[sparq.Assessment]:
        return [self._assess(case) for case in cases]

    def _assess(self, case: sparq.Case) -> sparq.Assessment:
        answers = [None if j.verdict.answer is None else "".join(j.verdict.answer.split()) for j in case.judged]
        votes = Counter(answer for answer in answers if answer is not None)
        if not votes:
            return sparq.Assessment(outcome="unresolved", reason="no attempt gave an answer")
        elected = max(votes, key=lambda answer: (votes[answer], -answers.index(answer)))
        share = votes[elected] / len(answers)
        verdicts = tuple(_revised(j.verdict, answer == elected) for j, answer in zip(case.judged, answers, strict=True))
        reference = next(j.verdict.answer for j, answer in zip(case.judged, answers, strict=True) if answer == elected)
        kept = self._low <= share <= self._high
        return sparq.Assessment(
            outcome="kept" if kept else "out-of-band",
            reason="" if kept else "too few agree" if share < self._low else "too many agree",
            quality=1 - share if kept else 0.0,
            answer=reference,
            verdicts=verdicts,
        )


def _revised(verdict: sparq.Verdict, elected: bool) -> sparq.Verdict:
    if verdict.answer is None:
        return verdict
    return replace(verdict, value="correct" if elected else "incorrect", reason="majority", by="majority")
