"""The solve rate: what is counted, what is not, and what the band makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig, band_of
from sparq_core.contract.config import AttemptsConfig
from sparq_core.loop.attempts import count, counted, settle
from sparq_core.pipeline.guards import Rationing

VALUES = st.lists(st.sampled_from(["correct", "incorrect", "unknown"]), min_size=1, max_size=16)
FIXED = Rationing().ration(16)
PROBLEM = sparq.Problem(id="1.1.0", statement="?", answer="1")


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


@given(VALUES)
def test_every_attempt_is_counted_once(values: list[sparq.Value]) -> None:
    counts = count(judged(values))
    assert counts.drawn == len(values)
    assert counts.decided == counts.correct + counts.incorrect
    assert counts.solve_rate is None or 0 <= counts.solve_rate <= 1


def test_unknown_stays_out_of_the_solve_rate() -> None:
    assert count(judged(["correct", "incorrect", "unknown", "unknown"])).solve_rate == 0.5
    assert count(judged(["unknown"])).solve_rate is None


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


@given(VALUES, st.floats(0, 1))
def test_too_few_decided_attempts_leave_a_problem_unresolved(values: list[sparq.Value], share: float) -> None:
    case = counted(PROBLEM, judged(values), FIXED)
    said = sparq.Assessment(outcome="kept", quality=0.5)
    _, assessment = settle(case, said, AttemptsConfig(min_decided=share), FIXED)
    unresolved = case.counts.decided < share * case.counts.drawn
    assert assessment.outcome == ("unresolved" if unresolved else "kept")


def test_an_assessment_may_set_the_reference_and_revise_verdicts() -> None:
    case = counted(PROBLEM, judged(["incorrect", "incorrect"]), FIXED)
    verdicts = tuple(sparq.Verdict(value="correct", answer="2") for _ in range(2))
    said = sparq.Assessment(outcome="kept", answer="2", verdicts=verdicts)
    revised, _ = settle(case, said, AttemptsConfig(), FIXED)
    assert revised.problem.answer == "2"
    assert revised.counts == sparq.Counts(correct=2)
