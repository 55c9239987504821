"""The seeds' own solutions trained on first: who is made of them, who attempts with it, where later rounds start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKES, told
from runs import digest, rows, sparq_command

import sparq_core as sparq
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]
SOLVED = 30
"""Of forty seeds, those with a solution of their own."""


@pytest.fixture
def solved(trains: Make, seeds: Path) -> Make:
    """A pipeline that trains on the seeds first; keyword arguments are those of `train`, or top-level settings."""
    given = [json.loads(line) for line in seeds.read_text().splitlines()]
    for i, row in enumerate(given[:SOLVED]):
        row["solution"] = f"Solution {i}: \\boxed{{{row['answer']}}}"
    seeds.write_text("".join(json.dumps(row) + "\n" for row in given))

    def make(train: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
        return trains(train={"seeds": True, **(train or {})}, **settings)

    return make


def models(ran: Ran, round: int) -> set[str]:
    """The digests of the weights that attempted in a round."""
    query = "SELECT DISTINCT digest FROM attempt JOIN model ON model.id = attempt.model WHERE round = ?"
    return {name for (name,) in ran.read().query(query, round)}


def beside(folder: Path) -> Path:
    """Another folder for the same pipeline."""
    other = folder / "whole"
    other.mkdir()
    (other / "fakes.py").write_text(FAKES)
    return other


def phases(ran: Ran) -> list[tuple[int, str]]:
    return [(e.round, e.name) for e in ran.events if isinstance(e, sparq.PhaseFinished)]


def test_the_seeds_own_solutions_are_trained_on_by_the_attempts_prompt(solved: Make, tmp_path: Path) -> None:
    pipeline = solved(rounds=1)
    pipeline["attempts"]["prompt"] = "Solve {{ problem.statement }}"
    ran = run_pipeline(pipeline, tmp_path)
    assert told(tmp_path, "given")[0] == [0, SOLVED]
    dataset = rows(ran.folder / "dataset" / "round-0.jsonl")
    assert dataset[1]["messages"] == [
        {"role": "user", "content": "Solve What is 6 + 10?"},
        {"role": "assistant", "content": "Solution 1: \\boxed{16}"},
    ]
    assert dataset[1]["id"] == "0.1.1"


def test_seeds_that_cannot_be_trained_on_are_counted(solved: Make, seeds: Path, tmp_path: Path) -> None:
    first = seeds.read_text().splitlines()[0]
    seeds.write_text(seeds.read_text() + first + "\n")
    ran = run_pipeline(solved(rounds=1), tmp_path)
    warned = [event.message for event in ran.events if isinstance(event, sparq.Warned)]
    assert "train.seeds: 30 of 41 seeds are trained on: 10 have no solution, 1 were rejected" in warned


def test_the_student_attempts_from_round_one_on(solved: Make, tmp_path: Path) -> None:
    ran = run_pipeline(solved(rounds=1), tmp_path)
    student = ran.read().phase(0, "train", ran.read().steps_of(0))
    assert student
    assert models(ran, 1) == {student.digest}
    assert phases(ran) == [
        (0, "benchmark"),
        (0, "seeds"),
        (0, "train"),
        (0, "benchmark"),
        (1, "curate"),
        (1, "train"),
        (1, "benchmark"),
    ]


def test_base_and_student_are_benchmarked_each_as_itself(solved: Make, tmp_path: Path) -> None:
    ran = run_pipeline(solved(rounds=1), tmp_path)
    made = [str(ran.folder / "models" / f"round-{r}") for r in (0, 1)]
    assert told(tmp_path, "scored") == [["sums"], [made[0]], [made[1]]]
    facts = json.loads(sparq_command("status", str(ran.folder), "--json"))
    assert [row["round"] for row in facts["benchmarks"]] == [0, 1]
    assert "the base model and the model trained on the seeds" in " ".join(
        sparq_command("status", str(ran.folder)).split()
    )
    assert sorted(f.name for f in (ran.folder / "logs").iterdir()) == [
        "benchmark-0-.",
        "benchmark-1-.",
        "benchmark-seeds-.",
    ]


def paper(solved: Make, **train: Any) -> dict[str, Any]:
    """As published: one model writes and labels, the pre-trained one is made the student."""
    kinds = {name: {"use": "./fakes.py:Local", "model": name} for name in ("writer", "pretrained")}
    roles = {"generator": "writer", "solver": "pretrained", "labeller": "writer"}
    return solved(models=kinds, roles=roles, train={"updates": ["solver"], **train})


@pytest.mark.parametrize("start", ["base", "current"])
def test_later_rounds_start_where_the_pipeline_says(solved: Make, tmp_path: Path, start: str) -> None:
    ran = run_pipeline(paper(solved, **{"from": start}), tmp_path)
    student, first = (str(ran.folder / "models" / f"round-{r}") for r in (0, 1))
    later = ["pretrained", "pretrained"] if start == "base" else [student, first]
    assert [path for path, _ in told(tmp_path, "trained")] == ["pretrained", *later]


def test_roles_that_are_not_updated_stay(solved: Make, tmp_path: Path) -> None:
    run_pipeline(paper(solved), tmp_path)
    served = told(tmp_path, "served")
    assert {path for name, path in served if name == "writer"} == {"writer"}
    assert "pretrained" not in {path for _, path in served}


def test_the_model_to_train_becomes_the_student_of_a_solver_that_is_another(solved: Make, tmp_path: Path) -> None:
    kinds = {name: {"use": "./fakes.py:Local", "model": name} for name in ("tuned", "pretrained")}
    roles = dict.fromkeys(("generator", "solver", "labeller"), "tuned")
    train = {"model": "pretrained", "from": "base", "updates": ["solver"]}
    ran = run_pipeline(solved(models=kinds, roles=roles, train=train), tmp_path)
    student = str(ran.folder / "models" / "round-0")
    assert [path for path, _ in told(tmp_path, "trained")] == ["pretrained"] * 3
    assert ["tuned", student] in told(tmp_path, "served")


def test_without_rounds_there_is_the_baseline_alone(solved: Make, tmp_path: Path) -> None:
    ran = run_pipeline(solved(rounds=0), tmp_path)
    assert ran.ending.exit_code == 0
    assert phases(ran) == [(0, "benchmark"), (0, "seeds"), (0, "train"), (0, "benchmark")]
    assert ran.ending.tally.children == ran.ending.tally.attempts == 0
    assert "sums: seeds only" in " ".join(sparq_command("status", str(ran.folder)).split())
    checked = sparq_command("check", str(tmp_path / "pipeline.yaml"))
    assert "the model trained on the seeds' own solutions, then no round" in " ".join(checked.split())
    more = run_pipeline(solved(rounds=1), tmp_path, resume=True)
    assert digest(more) == digest(run_pipeline(solved(rounds=1), beside(tmp_path)))


@pytest.mark.parametrize("after", ["seeds", "train", "benchmark"])
def test_a_run_that_was_killed_goes_on_to_the_same_end(solved: Make, tmp_path: Path, after: str) -> None:
    class Kill(BaseException):
        """As if by kill -9."""

    def kill(event: sparq.Event) -> None:
        if isinstance(event, sparq.PhaseFinished) and (event.name, event.base) == (after, False):
            raise Kill

    whole = run_pipeline(solved(), beside(tmp_path))
    path = tmp_path / "pipeline.yaml"
    path.write_text((tmp_path / "whole" / "pipeline.yaml").read_text())
    with pytest.raises(Kill):
        session.execute(prepare.load(path), tmp_path / "run", False, [kill], lambda: False)
    resumed = run_pipeline(solved(), tmp_path, resume=True)
    assert digest(resumed) == digest(whole)
    trained = [round_ for round_, _ in told(tmp_path, "given")]
    assert trained == [0, 1, 2]


def test_what_was_trained_on_seeds_stays_that(solved: Make, trains: Make, tmp_path: Path) -> None:
    ran = run_pipeline(solved(rounds=1), tmp_path)
    with pytest.raises(sparq.PipelineError, match=r"train.seeds: true → null"):
        run_pipeline(trains(rounds=1), tmp_path, resume=True)
    (ran.folder / "models" / "round-0" / "config.json").write_text("{}")
    with pytest.raises(sparq.SparqError, match=r"the weights are not the ones that were trained"):
        run_pipeline(solved(rounds=1), tmp_path, resume=True)


def test_a_seed_of_training_is_that_of_the_rounds(solved: Make, tmp_path: Path) -> None:
    ran = run_pipeline(solved(rounds=0), tmp_path)
    run_pipeline(solved(rounds=0, train={"seed": 5}), tmp_path, resume=True)
    assert told(tmp_path, "given") == [[0, SOLVED]]
    other = run_pipeline(solved(rounds=0, train={"seed": 5}), beside(tmp_path))
    first, second = (run.read().phase(0, "train", run.read().steps_of(0)) for run in (ran, other))
    assert first == second


def test_nothing_is_spent_where_no_seed_has_a_solution(trains: Make, tmp_path: Path) -> None:
    with pytest.raises(
        sparq.PipelineError, match=r"train.seeds: no seed has a solution to train on.*jsonl-seeds: with.solution"
    ):
        run_pipeline(trains(train={"seeds": True}), tmp_path)
    assert not (tmp_path / "fakes.py.scored").exists()


def test_seeds_are_trained_on_by_some_plugin(sums: Make, tmp_path: Path) -> None:
    with pytest.raises(sparq.PipelineError, match=r"train.seeds: no plugin implements 'train'; add one, e.g. sft"):
        run_pipeline(sums(train={"seeds": True}), tmp_path)
