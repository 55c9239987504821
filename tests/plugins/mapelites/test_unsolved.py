"""Parents are the seeds that the solver hardly solves."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_mapelites import Unsolved, UnsolvedConfig


def seed(number: int, rate: float | None, outcome: sparq.Outcome = "out-of-band") -> sparq.Child:
    problem = sparq.Problem(id=f"0.1.{number}", statement=f"{number}?")
    return sparq.Child(problem=problem, outcome=outcome, solve_rate=rate, descriptors={"skills": ["a"]})


def committed(*seeds: sparq.Child, **options: Any) -> Unsolved:
    selector = Unsolved(UnsolvedConfig(**options))
    selector.commit(sparq.Step(round=0, step=1, parents=(), children=seeds))
    return selector


def drawn(selector: Unsolved, n: int = 60) -> set[str]:
    return set(selector.select(rng=sparq.generator(1), n=n, pending=()))


SEEDS = (
    seed(0, 0.0),
    seed(1, 0.125, "kept"),
    seed(2, 0.25, "kept"),
    seed(3, None),
    seed(4, 1.0),
    seed(5, 0.0, "rejected"),
)


def test_only_measured_seeds_below_the_mark_are_drawn() -> None:
    assert drawn(committed(*SEEDS)) == {"0.1.0", "0.1.1"}
    assert drawn(committed(*SEEDS, below=1.0)) == {"0.1.0", "0.1.1", "0.1.2"}


def test_where_no_seed_is_that_hard_there_are_no_parents() -> None:
    with pytest.raises(
        sparq.NoParents, match=r"none of the 2 seeds has a solve rate below 0\.25; raise `below`, or use"
    ):
        drawn(committed(seed(0, 0.5), seed(1, None)))
    with pytest.raises(sparq.NoParents, match="all seeds were rejected, or there are none"):
        drawn(committed())


def test_children_are_never_parents_and_each_has_at_most_so_many() -> None:
    selector = committed(*SEEDS, max_children=2)
    child = sparq.Problem(id="1.1.0", statement="?")
    kept = sparq.Child(problem=child, outcome="kept", solve_rate=0.125, descriptors={"skills": ["a"]})
    selector.commit(sparq.Step(round=1, step=1, parents=("0.1.0", "0.1.0"), children=(kept,)))
    assert drawn(selector, 2) == {"0.1.1"}
    with pytest.raises(sparq.NoParents, match="too few problems may be parents"):
        drawn(selector, 3)


def test_a_seed_that_became_easier_is_no_longer_drawn_after_a_checkpoint_either() -> None:
    selector, other = committed(*SEEDS), Unsolved(UnsolvedConfig())
    selector.commit(sparq.Step(round=1, step=1, parents=("0.1.0",), children=(), again=(seed(0, 0.5),)))
    assert drawn(selector) == {"0.1.1"}
    file = io.BytesIO()
    selector.save_state(file)
    other.load_state(io.BytesIO(file.getvalue()))
    assert drawn(other) == {"0.1.1"}


def hard(sums: Callable[..., Any], seeds: bool = True, below: float = 0.5) -> Any:
    pipeline = sums("unsolved", steps=4, attempts={"k": 8, "seeds": seeds})
    pipeline["plugins"][1]["with"] = {"below": below}
    return pipeline


def test_without_attempts_at_the_seeds_it_is_refused(sums: Callable[..., Any], tmp_path: Path) -> None:
    said = r"plugins\[1\].*no solve rate of a seed is known.*set attempts\.seeds: true"
    with pytest.raises(sparq.PipelineError, match=said):
        run_pipeline(hard(sums, seeds=False), tmp_path)


def test_a_run_mutates_hard_seeds_only(sums: Callable[..., Any], tmp_path: Path) -> None:
    with run_pipeline(hard(sums), tmp_path).read() as ledger:
        rates = {solved.child.problem.id: solved.child.solve_rate for solved in ledger.solved([0])}
        parents = {parent for solved in ledger.solved([1]) for parent in solved.child.problem.parents}
    assert parents
    assert all((rates[parent] or 0) < 0.5 for parent in parents)


def test_a_run_whose_seeds_are_all_solved_ends_with_the_reason(sums: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(sparq.NoParents, match=r"none of the 40 seeds has a solve rate below 0\.01"):
        run_pipeline(hard(sums, below=0.01), tmp_path)
