"""`sparq study`: what arms share is made once, and a study that was killed ends as one that was not."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from faults import needs_compiler, trace
from faults.power import Disk, Luck, content_of
from runs import sparq_command

from sparq_core.ledger.reader import Reader
from sparq_core.study import results
from sparq_core.study.plan import plan

FILTERS = ("random", "quality", "diversity", "qd")
BUDGETS = (4, 8, 16, 32)
GRID = {
    "filter": {by: {"plugins.curate.with.by": by} for by in FILTERS},
    "budget": {str(n): {"plugins.curate.with.budget": n} for n in BUDGETS},
}
TABLES = ("results.json", "results.md", "scores.csv", "differences.csv", "costs.csv", "sums.svg")


@pytest.fixture
def base(sums: Callable[..., dict[str, Any]], tmp_path: Path) -> dict[str, Any]:
    """A pipeline that trains and benchmarks in no time, written beside its plugins."""
    shutil.copy(Path(__file__).with_name("bench.py"), tmp_path / "bench.py")
    pipeline = sums(models={"student": {"use": "./bench.py:Local", "model": "sums"}}, train={"updates": ["solver"]})
    cast = [entry for entry in pipeline["plugins"] if entry["use"] != "curate-band"]
    fakes = [{"use": "curate", "with": {"solutions": 1}}, {"use": "./bench.py:Trainer"}, {"use": "./bench.py:Bench"}]
    return {**pipeline, "plugins": [*cast, *fakes]}


@pytest.fixture
def study(base: dict[str, Any], tmp_path: Path) -> Callable[..., Path]:
    """Writes a study of this pipeline; keyword arguments are its settings."""

    def write(**settings: Any) -> Path:
        (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump({"name": "sums", "base": "base.yaml", **settings}, sort_keys=False))
        return path

    return write


def run(path: Path, *arguments: str, code: int = 0) -> str:
    return sparq_command("study", str(path), "--out", str(path.parent / "out"), *arguments, code=code)


def table(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path.parent / "out" / "results.json").read_text())
    return found


def attempts_in(folder: Path) -> int:
    with Reader.open(folder) as ledger:
        return ledger.tally().attempts


def test_a_grid_of_sixteen_cells_draws_one_pool_and_one_base_benchmark(study: Callable[..., Path]) -> None:
    path = study(seeds=1, grid=GRID, against=["random", "base"])
    run(path)
    found = table(path)
    (pool,) = (path.parent / "out" / "pools").iterdir()
    assert (found["done"], found["cells"]) == (16, 16)
    assert found["drawn"]["attempts"] == attempts_in(pool) > 0
    assert all(
        attempts_in(path.parent / "out" / "cells" / f"{by}/{n}/seed-1") == attempts_in(pool)
        for by in FILTERS
        for n in BUDGETS
    )
    scored = (path.parent / "bench.scored").read_text().splitlines()
    assert scored.count("sums") == 1
    assert len(scored) == 17
    assert len(found["differences"]) == 12 + 16


def test_a_benchmark_that_draws_as_the_run_does_is_shared_by_seed(
    study: Callable[..., Path], base: dict[str, Any], tmp_path: Path
) -> None:
    benchmark = {"use": "pass-at-n", "with": {"path": str(tmp_path / "seeds.jsonl"), "n": 2, "limit": 2}}
    base["plugins"][-1] = benchmark
    path = study(seeds=2, grid={"budget": {str(n): {"plugins.curate.with.budget": n} for n in (4, 8)}})
    names = {(cell.cell.arm.name, cell.cell.seed): cell.base for cell in plan(path).cells}
    assert len(names) == 4
    assert len({name for name in names.values() if name}) == 2
    assert names["4", 1] == names["8", 1]


def test_killed_three_times_it_ends_with_the_same_table_to_the_byte(study: Callable[..., Path], tmp_path: Path) -> None:
    path = study(seeds=1, grid=GRID, against=["random"])
    run(path)
    whole = {name: (tmp_path / "out" / name).read_bytes() for name in TABLES}
    shutil.rmtree(tmp_path / "out")
    rng, command = (
        random.Random(7),
        [sys.executable, "-m", "sparq_core.cli", "study", str(path), "--out", str(tmp_path / "out")],
    )
    for after in (2, 7, 12):
        killed_after(command, tmp_path / "out", after, rng.random() / 20)
    run(path, "--resume")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in TABLES} == whole


def ended_runs(out: Path) -> int:
    """How many runs below a folder are through; folders may come and go meanwhile."""
    return sum("ended.json" in files for _, _, files in os.walk(out))


def killed_after(command: list[str], out: Path, runs: int, seconds: float) -> None:
    """Start a study or go on with it, and kill it with all it started a moment after so many of its runs are through."""
    process = subprocess.Popen(
        [*command, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while ended_runs(out) < runs:
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@needs_compiler
def test_a_study_that_is_through_is_there_after_a_power_cut(study: Callable[..., Path], tmp_path: Path) -> None:
    path, disk, left = study(seeds=1, arms={"plain": {"steps": 2}}), tmp_path / "disk", tmp_path / "left"
    disk.mkdir()
    left.mkdir()
    command = [sys.executable, "-m", "sparq_core.cli", "study", str(path), "--out", str(disk / "new" / "out")]
    Disk(disk, {}, trace(command, disk)).write(left, Luck())
    there, expected = content_of(left), content_of(disk)
    lost = {name for name in expected if there.get(name) != expected[name]}
    assert {name for name in lost if expected[name]} == set(), "of a reader, SQLite leaves an empty log"


def test_more_steps_go_on_from_the_pool_of_fewer(study: Callable[..., Path]) -> None:
    path = study(seeds=2, grid={"steps": {"4": {"steps": 4}, "8": {"steps": 8}, "16": {"steps": 16}}})
    run(path)
    pools = {p.name: attempts_in(p) for p in (path.parent / "out" / "pools").iterdir()}
    assert table(path)["drawn"]["attempts"] == sum(n for name, n in pools.items() if name.endswith("-16"))
    (trend,) = table(path)["trends"]
    assert trend["low"] <= trend["per_doubling"] <= trend["high"]


def test_a_shared_pool_is_what_each_cell_would_have_made_alone(
    study: Callable[..., Path], base: dict[str, Any]
) -> None:
    path = study(seeds=[3], arms={"long": {"steps": 8}, "short": {"steps": 4}, "other": {"attempts.k": 4}})
    run(path)
    changed: dict[str, dict[str, Any]] = {"long": {"steps": 8}, "short": {"steps": 4}, "other": {"attempts": {"k": 4}}}
    for arm, changes in changed.items():
        alone = path.parent / f"{arm}.yaml"
        alone.write_text(yaml.safe_dump({**base, **changes, "seed": 3}))
        sparq_command("run", str(alone), "--out", str(path.parent / arm))
        with Reader.open(path.parent / arm) as one, Reader.open(path.parent / "out" / "cells" / arm / "seed-3") as cell:
            assert one.last_digest() == cell.last_digest()
            assert one.scores(1) == cell.scores(1)
            assert one.phase(1, "train") == cell.phase(1, "train")


def test_trainings_share_what_their_run_generated(study: Callable[..., Path]) -> None:
    path = study(seeds=2, train_seeds=3, arms={"plain": {}})
    run(path)
    found = table(path)
    assert len(list((path.parent / "out" / "pools").iterdir())) == 2
    (before, after) = found["means"]
    assert (before["stage"], after["stage"], after["seeds"]) == ("base", "round 1", 2)
    assert after["between_trainings"] > 0
    assert before["between_trainings"] == 0


def test_arms_may_change_the_cast(study: Callable[..., Path]) -> None:
    arms = {
        "plain": {},
        "elites": {"plugins.static-uniform": {"use": "map-elites"}},
        "fewer": {"plugins+": [{"use": "pilot", "with": {"first": 4}}], "plugins-": ["duplicates"]},
    }
    path = study(seeds=1, arms=arms, against=["plain"])
    run(path)
    costs = {cost["arm"]: cost for cost in table(path)["costs"]}
    assert costs["fewer"]["means"]["attempts"] < costs["plain"]["means"]["attempts"]
    assert "qd_score" in costs["elites"]["means"]
    assert [d["arm"] for d in table(path)["differences"]] == ["elites", "fewer"]


def test_what_runs_take_and_give_is_compared_in_pairs_of_seeds(study: Callable[..., Path]) -> None:
    arms = {"plain": {}, "fewer": {"plugins+": [{"use": "pilot", "with": {"first": 4}}]}}
    path = study(seeds=3, arms=arms, against=["plain"], measures=["attempts", "kept"])
    run(path)
    found = {d["task"]: d for d in table(path)["differences"]}
    means = {cost["arm"]: cost["means"]["attempts"] for cost in table(path)["costs"]}
    assert found["attempts"]["difference"] == pytest.approx(means["fewer"] - means["plain"])
    assert found["attempts"]["difference"] < 0
    assert (found["kept"]["measure"], found["sums"]["measure"]) == (True, False)


def test_what_no_run_has_is_told_and_the_rest_is_there(study: Callable[..., Path]) -> None:
    told = run(
        study(seeds=1, arms={"plain": {}, "more": {"steps": 12}}, against=["plain"], measures=["kept", "entropy"])
    )
    found = table(Path(study(arms={"a": {}})))
    assert "warning: measures: no run has 'entropy'" in told
    (kept,) = [d for d in found["differences"] if d["measure"]]
    assert kept["difference"] > 0
    assert (kept["low"], kept["p"]) == (None, 1.0), "one seed tells nothing of how much runs differ"
    assert "There is only one seed" in (Path(study(arms={"a": {}})).parent / "out" / "results.md").read_text()


def test_a_model_that_is_always_right_has_an_interval_too(study: Callable[..., Path]) -> None:
    path = study(seeds=2, arms={"sure": {"plugins.curate.with.solutions": 8, "steps": 20}})
    run(path)
    (after,) = [mean for mean in table(path)["means"] if mean["stage"] == "round 1"]
    assert after["mean"] == after["high"] == 1.0
    assert 0.9 < after["low"] < 1.0


def test_names_that_yaml_reads_as_numbers_are_names(study: Callable[..., Path]) -> None:
    path = study(grid={"steps": {4: {"steps": 4}, 8: None}}, seeds=1)
    assert "cell 8/seed-1" in run(path, "--dry-run")


def test_a_dry_run_says_what_would_not_go_on(study: Callable[..., Path]) -> None:
    run(study(seeds=1, arms={"plain": {"steps": 2}}))
    told = run(study(seeds=1, arms={"plain": {"steps": 3}}), "--resume", "--dry-run", code=2)
    assert "rename the arm" in told
    assert "--accept-changes" not in run(
        study(seeds=1, arms={"plain": {"steps": 2, "attempts.k": 2}}), "--resume", code=2
    )


def test_a_run_is_no_place_for_a_study_and_a_study_no_run(study: Callable[..., Path], tmp_path: Path) -> None:
    path = study(seeds=1, arms={"plain": {"steps": 2}})
    run(path)
    assert "its runs are in cells/ARM/seed-N" in sparq_command("status", str(tmp_path / "out"), code=2)
    cell = tmp_path / "out" / "cells" / "plain" / "seed-1"
    assert "contains a run" in sparq_command("study", str(path), "--out", str(cell), "--resume", code=2)


def test_arms_and_seeds_may_be_added(study: Callable[..., Path]) -> None:
    arms: dict[str, Any] = {"random": {}}
    path = study(seeds=1, arms=arms)
    run(path)
    first = attempts_in(path.parent / "out" / "cells" / "random" / "seed-1")
    run(study(seeds=2, arms={**arms, "qd": {"plugins.curate.with.by": "qd"}}), "--resume")
    found = table(path)
    assert found["done"] == 4
    assert first < found["drawn"]["attempts"] < 2.5 * first


def test_a_cell_with_nothing_to_train_on_is_counted_and_the_rest_goes_on(study: Callable[..., Path]) -> None:
    nothing = {
        "plugins+": [{"use": "band", "with": {"correct": [8, 8]}}],
        "steps": 1,
        "batch": 1,
        "attempts.max_tokens": 1,
    }
    path = study(seeds=1, arms={"nothing": nothing, "plain": {}}, against=["plain"])
    told = run(path)
    costs = {cost["arm"]: cost for cost in table(path)["costs"]}
    assert list(costs["plain"]["missing"]) == []
    (reason,) = costs["nothing"]["missing"]
    assert "nothing to train on" in reason
    assert "nothing" in told


def test_where_a_cell_fails_the_table_has_those_before_it_and_the_rest_goes_on_later(
    study: Callable[..., Path],
) -> None:
    path = study(seeds=3, arms={"plain": {}})
    broken = path.with_name("bench.broken")
    broken.touch()
    assert "the benchmark's disk is gone" in run(path, code=1)
    assert (table(path)["done"], table(path)["cells"]) == (1, 3)
    broken.unlink()
    run(path, "--resume")
    assert table(path)["done"] == 3


def test_a_dry_run_shows_cells_and_cost_and_writes_nothing(study: Callable[..., Path]) -> None:
    path = study(seeds=2, grid=GRID)
    told = json.loads(run(path, "--dry-run", "--json"))
    assert not (path.parent / "out").exists()
    pools = [part for part in told["runs"] if part["kind"] == "pool"]
    assert len(told["runs"]) - len(pools) == 32
    assert [pool["attempts"] for pool in pools] == [10 * 6 * 8, 10 * 6 * 8]
    assert (told["attempts"], told["trainings"], told["benchmarks"]) == (960, 32, 33)
    assert "32 cells of 2 pools" in run(path, "--dry-run")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "arms: there is none"),
        (
            {"arms": {"a": {"plugins.curat.with.by": "qd"}}},
            "study.yaml: a: plugins.curat.with.by: no entry 'curat' here; did you mean 'curate'",
        ),
        ({"arms": {"a": {"plugins.curate.with.by": "best"}}}, "study.yaml: a: plugins"),
        ({"arms": {"a": {"stpes": 3}}}, "unknown setting 'stpes'; did you mean 'steps'"),
        ({"arms": {"a": {}}, "against": ["b"]}, "against: no arm or level is named 'b'"),
        ({"arms": {"base": {}}}, "the name 'base' is used twice"),
        ({"arms": {"a": {"plugins-": ["nobody"]}}}, "plugins-: no plugin 'nobody' here"),
        ({"arms": {"a": {"plugins+": "bayes"}}}, "plugins+: it takes a list"),
        ({"arms": {"a b": {}}}, "'a b' is not a valid name"),
        ({"arms": {"2": {}}, "grid": {"f": {"1": {}, "2": {"steps": 4}}}}, "the name '2' is used twice"),
        ({"grid": {"f": {"x": {"steps": 2}}, "g": {"y": {"steps": 5}}}}, "grid: f and g both set steps"),
        ({"arms": {"a": {"seed": 5}}}, "a: seed: a study sets it itself"),
        ({"arms": {"a": {}}, "set": {"stepz": 5}}, "unknown setting 'stepz'"),
        ({"arms": {"a": {}}, "measures": ["keptt"]}, "measures: there is no 'keptt'; did you mean 'kept'"),
        ({"arms": {"a": {"plugins-": ["./bench.py:Bench", "./bench.py:Trainer"]}}}, "there is nothing to compare"),
        ({"arms": {"a": {}}, "base": "none.yaml"}, "none.yaml: there is no such file"),
        ({"arms": {"a": {}}, "seeds": 0}, "seeds"),
        ({"arms": {"a": {}}, "seed": 1}, "unknown setting 'seed'; did you mean 'seeds'"),
    ],
)
def test_a_bad_study_is_refused_before_anything_is_spent(
    study: Callable[..., Path], settings: dict[str, Any], told: str
) -> None:
    path = study(**settings)
    assert told in run(path, code=2)
    assert not (path.parent / "out").exists()


def test_a_folder_that_holds_something_is_not_touched_without_resume(study: Callable[..., Path]) -> None:
    path = study(seeds=1, arms={"plain": {}})
    (path.parent / "out").mkdir()
    (path.parent / "out" / "mine.txt").write_text("mine")
    assert "is not empty" in run(path, code=2)


def test_a_cell_of_another_identity_is_not_gone_on_with(study: Callable[..., Path]) -> None:
    path = study(seeds=1, arms={"plain": {}})
    run(path)
    told = run(study(seeds=1, arms={"plain": {"attempts.k": 4}}), "--resume", code=2)
    assert "attempts.k: 8 → 4" in told
    told = run(study(seeds=1, arms={"plain": {"steps": 3}}), "--resume", code=2)
    assert "was run with 10 steps" in told


def test_a_cell_that_was_trained_otherwise_is_not_taken_for_done(study: Callable[..., Path]) -> None:
    path = study(seeds=1, arms={"plain": {}})
    run(path)
    before = (path.parent / "out" / "results.json").read_bytes()
    told = run(study(seeds=1, arms={"plain": {"plugins.curate.with.solutions": 2}}), "--resume", code=2)
    assert "already through 'curate' with other settings" in told
    assert (path.parent / "out" / "results.json").read_bytes() == before


def test_a_pool_that_all_cells_have_may_be_deleted(study: Callable[..., Path]) -> None:
    path = study(seeds=1, grid={"steps": {"4": {"steps": 4}, "8": {"steps": 8}}})
    run(path)
    before = (path.parent / "out" / "results.json").read_bytes()
    shutil.rmtree(path.parent / "out" / "pools")
    run(path, "--resume")
    assert not (path.parent / "out" / "pools").exists()
    assert (path.parent / "out" / "results.json").read_bytes() == before


def only_notes(out: Path) -> None:
    """Delete all of a study's runs but the notes of how they ended."""
    for path in out.glob("*/**/*"):
        if path.is_file() and path.name != "ended.json":
            path.unlink()


def test_of_a_run_that_is_through_all_but_its_note_may_be_deleted(study: Callable[..., Path]) -> None:
    steps = {str(n): {"steps": n} for n in (4, 8)}
    path = study(seeds=1, grid={"steps": steps}, measures=["kept"], against=["4"])
    out = path.parent / "out"
    run(path)
    before, scored = (out / "results.json").read_bytes(), (path.parent / "bench.scored").read_bytes()
    only_notes(out)
    run(path, "--resume")
    assert (out / "results.json").read_bytes() == before
    assert (path.parent / "bench.scored").read_bytes() == scored

    more = {"seeds": 2, "grid": {"steps": steps | {"6": {"steps": 6}}}, "measures": ["kept"], "against": ["4"]}
    run(study(**more), "--resume")
    gone_on = (out / "results.json").read_bytes()
    shutil.rmtree(out)
    run(study(**more))
    assert (out / "results.json").read_bytes() == gone_on


def test_a_note_alone_is_not_taken_for_a_run_with_other_settings(study: Callable[..., Path]) -> None:
    run(study(seeds=1, arms={"plain": {}}))
    for changes in ({"plugins.curate.with.solutions": 2}, {"steps": 3}, {"train.seed": 5}):
        path = study(seeds=1, arms={"plain": changes})
        only_notes(path.parent / "out")
        assert "was run with other settings, and its ledger is not there" in run(path, "--resume", code=2)


def test_a_damaged_note_of_how_a_run_ended_is_told(study: Callable[..., Path]) -> None:
    path = study(seeds=1, arms={"plain": {}})
    run(path)
    note = path.parent / "out" / "cells" / "plain" / "seed-1" / "ended.json"
    note.write_text("{")
    assert "ended.json: cannot be read" in run(path, "--resume", code=1)
    note.unlink()
    run(path, "--resume")


def test_planted_differences_are_found(study: Callable[..., Path]) -> None:
    path = study(
        seeds=5,
        grid={"budget": {"4": {"plugins.curate.with.budget": 4}, "32": {"plugins.curate.with.budget": 32}}},
        against=["4"],
    )
    path.write_text(path.read_text().replace("against:\n- '4'", "against: []"))
    run(path)
    found = results.results_of(plan(path), path.parent / "out")
    means = {mean.arm: mean for mean in found.means if mean.stage == "round 1"}
    assert means["4"].low < 0.22 < means["4"].high
    assert means["32"].low < 0.36 < means["32"].high


def test_a_student_is_made_once_and_the_baseline_is_a_part_of_it(study: Callable[..., Path], seeds: Path) -> None:
    rows = [json.loads(line) for line in seeds.read_text().splitlines()]
    seeds.write_text("".join(json.dumps(row | {"solution": f"It is {row['answer']}."}) + "\n" for row in rows))
    arms = {"baseline": {"rounds": 0}, "few": {"steps": 4}, "qd": {"steps": 4, "plugins.curate.with.by": "qd"}}
    path = study(seeds=2, set={"train.seeds": True}, arms=arms, against=["baseline"])
    run(path)
    found = table(path)
    stages = {(mean["arm"], mean["stage"]): mean["mean"] for mean in found["means"]}
    assert [stage for arm, stage in stages if arm == "few"] == ["base", "seeds", "round 1"]
    assert stages["baseline", "seeds"] == stages["few", "seeds"] > stages["few", "base"]
    assert {(d["arm"], d["against"]) for d in found["differences"]} == {("few", "baseline"), ("qd", "baseline")}
    made = {str(p.stat().st_ino) for p in path.parent.glob("out/*/**/models/round-0/config.json")}
    assert len(made) == 2, "one student a seed, linked from folder to folder"
    costs = {cost["arm"]: cost["means"] for cost in found["costs"]}
    assert costs["baseline"]["attempts"] == 0 < costs["few"]["attempts"]
    planned = json.loads(run(path, "--dry-run", "--json"))
    assert (planned["trainings"], planned["benchmarks"]) == (2 + 4, 2 + 4 + 1)
