"""The band: which counts are kept, and what they are worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig, band_of
from sparq_core.loop.attempts import counted
from sparq_core.pipeline.guards import Rationing

PROBLEM = sparq.Problem(id="1.1.0", statement="?", answer="1")
FIXED = Rationing().ration(16)


def judged(values: list[sparq.Value]) -> tuple[sparq.Judged, ...]:
    return tuple(
        sparq.Judged(
            sparq.Attempt(k=k, seed=k, text="", finish="stop", tokens=1), sparq.Verdict(value=value, answer=str(k))
        )
        for k, value in enumerate(values)
    )


def outcomes(right: int, wrong: int, unknown: int = 0) -> list[sparq.Value]:
    values: list[list[sparq.Value]] = [["correct"] * right, ["incorrect"] * wrong, ["unknown"] * unknown]
    return [value for part in values for value in part]


def assess(values: list[sparq.Value], correct: tuple[int, int] | None = None) -> sparq.Assessment:
    band = Band(BandConfig(correct=correct))
    band._k = len(values)
    band._correct = band_of(correct, len(values))
    (assessment,) = band.assess([counted(PROBLEM, judged(values), FIXED)])
    return assessment


@given(st.integers(2, 16), st.data())
def test_quality_is_one_minus_solve_rate_in_the_band_and_zero_outside(k: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, k))
    low, high = sorted(data.draw(st.tuples(st.integers(0, k), st.integers(0, k))))
    assessment = assess(outcomes(right, k - right), (low, high))
    if low <= right <= high:
        assert (assessment.outcome, assessment.quality) == ("kept", 1 - right / k)
    else:
        assert (assessment.outcome, assessment.quality) == ("out-of-band", 0.0)


@pytest.mark.parametrize(("k", "band"), [(16, (2, 14)), (8, (1, 7)), (4, (1, 3)), (2, (1, 1))])
def test_default_band_is_the_papers(k: int, band: tuple[int, int]) -> None:
    assert band_of(None, k) == band


@pytest.mark.parametrize("k", [1])
def test_one_attempt_has_no_band_by_default(k: int) -> None:
    with pytest.raises(sparq.PipelineError, match="empty"):
        band_of(None, k)


def test_too_hard_and_too_easy_are_told_apart() -> None:
    assert assess(outcomes(0, 8)).reason == "too hard"
    assert assess(outcomes(8, 0)).reason == "too easy"


def test_the_band_keeps_its_meaning_when_some_are_undecided() -> None:
    assert assess(outcomes(1, 5, 2), (1, 7)).outcome == "kept"
    assert assess(outcomes(0, 6, 2), (1, 7)).reason == "too hard"
    assert assess(outcomes(6, 0, 2), (1, 7)).reason == "too easy"
