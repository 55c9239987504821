"""Where training starts, from which seed, and who plays what it makes; by a trainer that writes down what it is asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKES, told
from runs import digest

import sparq_core as sparq
from sparq_core.contract.randomness import derive
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]


def test_training_has_the_runs_seed(trains: Make, tmp_path: Path) -> None:
    run_pipeline(trains(), tmp_path)
    assert [seed for _, seed in told(tmp_path, "trained")] == [derive(1, r, "train") % 2**31 for r in (1, 2)]


def test_a_seed_of_training_changes_nothing_else(trains: Make, tmp_path: Path) -> None:
    first = run_pipeline(trains(rounds=1), tmp_path)
    (tmp_path / "fakes.py.trained").unlink()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "fakes.py").write_text(FAKES)
    other = run_pipeline(trains(rounds=1, train={"seed": 3}), tmp_path / "other")
    assert [seed for _, seed in told(tmp_path / "other", "trained")] == [derive(3, 1, "train") % 2**31]
    assert digest(other) == digest(first)
    datasets = [(ran.folder / "dataset" / "round-1.jsonl").read_bytes() for ran in (first, other)]
    assert datasets[0] == datasets[1]


def test_a_finished_training_refuses_another_seed_and_steps_do_not(trains: Make, tmp_path: Path) -> None:
    run_pipeline(trains(rounds=1), tmp_path)
    assert run_pipeline(trains(rounds=1, train={"seed": 1}), tmp_path, resume=True).ending.exit_code == 0
    with pytest.raises(sparq.PipelineError, match=r'through \'train\' with other settings .*"train.seed":3'):
        run_pipeline(trains(rounds=1, train={"seed": 3}), tmp_path, resume=True)


def test_what_is_not_trained_yet_may_have_another_seed(trains: Make, sums: Make, tmp_path: Path) -> None:
    pipeline = trains(rounds=1)
    generated = {**pipeline, "plugins": pipeline["plugins"][:-2]}
    whole = digest(run_pipeline(generated, tmp_path))
    ran = run_pipeline(trains(rounds=1, train={"seed": 3}), tmp_path, resume=True)
    assert digest(ran) == whole
    assert [seed for _, seed in told(tmp_path, "trained")] == [derive(3, 1, "train") % 2**31]


def paper(trains: Make, **train: Any) -> dict[str, Any]:
    """What a tuned student solves trains the model it was tuned from; another model writes and labels."""
    models = {name: {"use": "./fakes.py:Local", "model": name} for name in ("writer", "student", "base")}
    roles = {"generator": "writer", "solver": "student", "labeller": "writer"}
    return trains(models=models, roles=roles, train={"model": "base", **train})


@pytest.mark.parametrize("start", ["base", "current"])
def test_training_starts_from_the_model_it_names(trains: Make, tmp_path: Path, start: str) -> None:
    ran = run_pipeline(paper(trains, **{"from": start}), tmp_path)
    first, second = (str(ran.folder / "models" / f"round-{r}") for r in (1, 2))
    assert [path for path, _ in told(tmp_path, "trained")] == ["base", "base" if start == "base" else first]
    assert told(tmp_path, "scored") == [["base"], [first], [second]]


def test_who_attempts_plays_what_was_trained_and_others_stay(trains: Make, tmp_path: Path) -> None:
    ran = run_pipeline(paper(trains), tmp_path)
    trained = str(ran.folder / "models" / "round-1")
    served = told(tmp_path, "served")
    assert sorted(served[:2]) == [["student", "student"], ["writer", "writer"]]
    assert sorted(served[2:]) == [["student", trained], ["writer", "writer"]]


def test_roles_that_are_not_updated_keep_their_model(trains: Make, tmp_path: Path) -> None:
    run_pipeline(paper(trains, updates=[]), tmp_path)
    assert {tuple(played) for played in told(tmp_path, "served")} == {("student", "student"), ("writer", "writer")}


def test_budgets_count_what_trained_weights_draw(trains: Make, tmp_path: Path) -> None:
    pipeline = paper(trains)
    pipeline["models"]["student"]["prices"] = {"input": 0.0, "output": 1.0}
    tally = run_pipeline(pipeline, tmp_path).ending.tally
    assert tally.cost == pytest.approx(tally.used["solver"].sampled / 1e6)


def test_a_finished_benchmark_refuses_another_model_to_train(trains: Make, tmp_path: Path) -> None:
    run_pipeline(paper(trains), tmp_path)
    assert run_pipeline(paper(trains), tmp_path, resume=True).ending.exit_code == 0
    with pytest.raises(sparq.PipelineError, match=r'round 0 is already through \'benchmark\' .*"train.model":"base"'):
        run_pipeline(paper(trains, model="student"), tmp_path, resume=True)


def test_training_needs_local_weights_where_it_starts_and_where_they_are_served(trains: Make, tmp_path: Path) -> None:
    for name, told_ in (("base", "cannot be trained"), ("student", "cannot play what is trained")):
        pipeline = paper(trains)
        pipeline["models"][name]["use"] = "./fakes.py:Api"
        with pytest.raises(sparq.PipelineError, match=f"models.{name}: .* {told_}"):
            run_pipeline(pipeline, tmp_path)
    pipeline = paper(trains, updates=[])
    pipeline["models"]["student"]["use"] = "./fakes.py:Api"
    assert run_pipeline(pipeline, tmp_path).ending.exit_code == 0
