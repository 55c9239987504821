"""Parents attempted once more, and priors that children inherit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran, run_pipeline
from sparq_mapelites import Archive, MapElites, MapElitesConfig

AGAIN = {"k": 8, "again": 4}


@pytest.fixture
def again(sums: Callable[..., Any], tmp_path: Path) -> Ran:
    return run_pipeline(sums("map-elites", attempts=AGAIN), tmp_path / "again")


def test_a_parent_gets_further_attempts_and_new_counts(again: Ran) -> None:
    with again.read() as ledger:
        rows = list(ledger.query("SELECT round, step, problem, correct + incorrect + unknown, correct FROM again"))
        assert rows
        first = min(row for row in rows)
        own, more = ledger.judged(first[2]), ledger.judged_again(first[2])
        assert len(own) == 8
        assert len(more) >= 4
        assert first[3] == 12
        values = [j.verdict.value for j in (*own, *more[:4])]
        assert values.count("correct") == first[4]


def test_each_attempt_is_counted_once(again: Ran) -> None:
    with again.read() as ledger:
        (attempts,), (first,) = (
            next(ledger.query(f"SELECT count(*) FROM {what}"))
            for what in (
                "attempt",
                "attempt a JOIN problem p ON p.id = a.problem AND (p.round, p.step) = (a.round, a.step)",
            )
        )
    assert again.ending.tally.attempts == attempts > first


def test_what_a_problem_was_kept_for_stays(again: Ran) -> None:
    with again.read() as ledger:
        assert all(s.child.counts.drawn == len(s.attempts) == 8 for s in ledger.solved() if not s.child.problem.is_seed)


BAYES = {"use": "bayes", "with": {"wave": 2, "from_parents": 4.0}}


@pytest.mark.parametrize(("attempts", "policies"), [(AGAIN, []), ({"k": 8, "again": 2}, [BAYES])])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    sums: Callable[..., Any], tmp_path: Path, attempts: dict[str, Any], policies: list[Any]
) -> None:
    def pipeline(**settings: Any) -> dict[str, Any]:
        made: dict[str, Any] = sums("map-elites", attempts=attempts, **settings)
        made["plugins"] += policies
        return made

    whole = run_pipeline(pipeline(), tmp_path / "whole")
    committed: list[sparq.Event] = []

    def watch(event: sparq.Event) -> None:
        committed.extend([event] * isinstance(event, sparq.StepCommitted))

    run_pipeline(pipeline(steps=1), tmp_path / "parts")
    loaded = prepare.load(tmp_path / "whole" / "pipeline.yaml")
    session.execute(loaded, tmp_path / "parts" / "run", True, [watch], lambda: len(committed) > 3)
    parts = run_pipeline(pipeline(), tmp_path / "parts", resume=True)
    assert parts.read().last_digest() == whole.read().last_digest()


def test_new_weights_attempt_a_parent_k_times(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums("map-elites", attempts=AGAIN, rounds=2), tmp_path / "run")
    with ran.read() as ledger:
        drawn = {
            n
            for (n,) in ledger.query(
                "SELECT count(*) FROM attempt WHERE round = 2 AND problem GLOB '1.*' GROUP BY problem, round, step"
            )
        }
    assert drawn == {4, 8}


def test_an_elite_of_luck_loses_its_rank() -> None:
    archive = Archive(capacity=2)
    niche = (("a",),)
    archive.add(niche, "lucky", 0.9)
    archive.add(niche, "good", 0.7)
    archive.rerank(niche, "lucky", 0.5)
    archive.rerank(niche, "gone", 1.0)
    assert archive.elites(niche) == ["good", "lucky"]
    assert archive.qd_score() == pytest.approx(0.7)
    assert archive.add(niche, "better", 0.6)
    assert archive.elites(niche) == ["good", "better"]


def test_a_selector_ranks_again() -> None:
    plugin = MapElites(MapElitesConfig(capacity=1))
    child = sparq.Child(
        problem=sparq.Problem(id="1.1.0", statement="x"), outcome="kept", quality=0.9, descriptors={"skills": ["a"]}
    )
    seed = sparq.Child(problem=sparq.Problem(id="0.1.0", statement="s"), outcome="kept", descriptors={"skills": ["a"]})
    plugin.commit(sparq.Step(round=0, step=1, parents=(), children=(seed,)))
    plugin.commit(sparq.Step(round=1, step=1, parents=(), children=(child,)))
    worse = sparq.Child(problem=child.problem, outcome="out-of-band", quality=0.0, descriptors={"skills": ["a"]})
    metrics = plugin.commit(sparq.Step(round=1, step=2, parents=("1.1.0",), children=(), again=(worse,)))
    assert metrics["qd_score"] == 0.0


def test_quality_that_few_attempts_say_is_believed_less() -> None:
    def quality(shrink: float, correct: int, drawn: int) -> float:
        band = Band(BandConfig(shrink=shrink))
        band.set(16)
        problem, counts = sparq.Problem(id="1.1.0", statement="x"), sparq.Counts(correct, drawn - correct)
        (assessment,) = band.assess([sparq.Case(problem, (), counts, counts.solve_rate)])
        return assessment.quality

    assert quality(0.0, 2, 16) == quality(0.0, 4, 32) == pytest.approx(0.875)
    assert quality(2.0, 2, 16) == pytest.approx(1 - 3 / 18)
    assert quality(2.0, 2, 16) < quality(2.0, 4, 32) < 0.875
