"""The solve rate: what is counted, and what is not."""

from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
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


@given(VALUES)
def test_every_attempt_is_counted_once(values: list[sparq.Value]) -> None:
    counts = count(judged(values))
    assert counts.drawn == len(values)
    assert counts.decided == counts.correct + counts.incorrect
    assert counts.solve_rate is None or 0 <= counts.solve_rate <= 1


def test_unknown_stays_out_of_the_solve_rate() -> None:
    assert count(judged(["correct", "incorrect", "unknown", "unknown"])).solve_rate == 0.5
    assert count(judged(["unknown"])).solve_rate is None


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
