"""A finished run seen anew: curated, graded and binned again, with nothing changed that was there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from runs import curate, rows, sparq_command

import sparq_core as sparq
from sparq_core.testing import run_pipeline


@pytest.mark.parametrize("by", ["random", "quality", "variance", "diversity", "qd"])
def test_a_finished_run_is_curated_again(run_folder: Path, tmp_path: Path, by: str) -> None:
    with sparq.Reader.open(run_folder) as ledger:
        before = (ledger.last_digest(), ledger.curations())
    first = (run_folder / "dataset" / "round-1.jsonl").read_bytes()
    out = tmp_path / f"{by}.jsonl"
    told = curate(run_folder, "--by", by, "--budget", "20", "--option", "solutions=1", "--to", str(out))
    assert "20 examples of 20 problems" in told
    assert len({row["id"].split("/")[0] for row in rows(out)}) == 20
    assert (run_folder / "dataset" / "round-1.jsonl").read_bytes() == first
    with sparq.Reader.open(run_folder) as ledger:
        assert (ledger.last_digest(), ledger.curations()) == (before[0], before[1] + 1)
    curate(run_folder, "--by", by, "--budget", "20", "--to", str(out), code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "best"], "best"),
        (["--use", "sympy"], "does not implement 'curate'"),
        (["--option", "bugdet=3"], "did you mean 'budget'"),
    ],
)
def test_a_wrong_choice_is_refused(run_folder: Path, arguments: list[str], message: str) -> None:
    assert message in curate(run_folder, *arguments, code=2)


def test_regrading_alike_changes_nothing(run_folder: Path) -> None:
    told = sparq_command("regrade", str(run_folder))
    for what in ("problems", "attempts"):
        counts = re.search(rf"{what}: ([\d,]+) of ([\d,]+) unchanged", told)
        assert counts is not None
        assert counts[1] == counts[2] != "0"


def test_another_band_is_a_grading_beside_the_first(run_folder: Path, tmp_path: Path) -> None:
    with sparq.Reader.open(run_folder) as ledger:
        digest = ledger.last_digest()
        kept = {s.child.problem.id: s.child.counts for s in ledger.solved()}
    told = sparq_command("regrade", str(run_folder), "--set", "plugins.band.with.correct=[3,5]")
    assert "kept → out-of-band" in told
    found = re.search(r"grading (\d+):", told)
    assert found is not None
    with sparq.Reader.open(run_folder, int(found[1])) as ledger:
        narrow = {s.child.problem.id: s.child.counts for s in ledger.solved()}
    assert narrow == {id_: counts for id_, counts in kept.items() if 3 <= counts.correct <= 5}
    with sparq.Reader.open(run_folder) as ledger:
        assert {s.child.problem.id: s.child.counts for s in ledger.solved()} == kept
        assert ledger.last_digest() == digest
    out = tmp_path / "narrow.jsonl"
    sparq_command("export", str(run_folder), "--grading", found[1], "--to", str(out))
    assert {row["id"].split("/")[0] for row in rows(out)} == set(narrow)
    sparq_command(
        "curate", str(run_folder), "--grading", found[1], "--by", "random", "--to", str(tmp_path / "chosen.jsonl")
    )
    assert {row["id"].split("/")[0] for row in rows(tmp_path / "chosen.jsonl")} == set(narrow)


def test_a_grading_that_is_not_there(run_folder: Path) -> None:
    assert "has no grading 99" in sparq_command("export", str(run_folder), "--grading", "99", code=2)


def test_a_run_can_go_on_after_it_was_regraded(tmp_path: Path, sums: Any) -> None:
    whole = run_pipeline(sums(steps=6), tmp_path / "whole")
    run_pipeline(sums(steps=3), tmp_path / "parts")
    sparq_command("regrade", str(tmp_path / "parts" / "run"), "--set", "plugins.sympy.with.percent=strict")
    parts = run_pipeline(sums(steps=6), tmp_path / "parts", resume=True)
    with whole.read() as one, parts.read() as other:
        assert one.last_digest() == other.last_digest()


def test_the_runs_own_niches_give_the_runs_own_metrics(run_folder: Path) -> None:
    with sparq.Reader.open(run_folder) as ledger:
        metrics = ledger.step_row(1, ledger.steps_of(1)).metrics
    told = sparq_command("rebin", str(run_folder), "--use", "static-uniform")
    assert f"filled niches {metrics['filled_niches']:,.4g}, QD-score {metrics['qd_score']:,.4g}" in told
    fewer = sparq_command("rebin", str(run_folder), "--option", "niches={skills: {top: 1, max: 1}}")
    assert fewer != told
    assert "does not implement 'commit'" in sparq_command("rebin", str(run_folder), "--use", "sympy", code=2)


STRICT = """
import sparq_core as sparq
class Strict:
    @sparq.hookimpl
    def verify(self, trials):
        return [sparq.Verdict(value="correct" if "boxed" in t.attempt.text else "{other}", answer="1") for t in trials]
class First:
    @sparq.hookimpl
    def curate(self, ledger):
        return [sparq.Example(problem=s.child.problem.id, attempt=s.correct[0]) for s in ledger.solved([1])]
"""


def test_plugins_of_one_file_are_found_where_the_pipeline_was(sums: Any, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "strict.py").write_text(STRICT.replace("{other}", "incorrect"))
    pipeline = sums(steps=3)
    pipeline["plugins"][4] = {"use": "./strict.py:Strict"}
    run_pipeline(pipeline, home)
    (home / "run").rename(tmp_path / "elsewhere")
    told = sparq_command("regrade", str(tmp_path / "elsewhere"))
    assert "warning" not in told
    assert re.search(r"problems: (\d+) of \1 unchanged", told)
    (home / "strict.py").write_text(STRICT.replace("{other}", "unknown"))
    told = sparq_command("regrade", str(tmp_path / "elsewhere"))
    assert f"warning: {home / 'strict.py'} is another than the run's own" in told
    assert "incorrect → unknown" in told
    with sparq.Reader.open(tmp_path / "elsewhere") as ledger:
        how = [json.loads(config) for (config,) in ledger.query("SELECT config FROM grading ORDER BY id")]
        names = [json.loads(plugins) for (plugins,) in ledger.query("SELECT plugins FROM grading")]
    code = [one["./strict.py:Strict"]["files"]["code"] for one in how]
    assert code[0] == code[1] != code[2]
    assert how[0]["attempts.min_decided"] == 0.75
    assert names == [["./strict.py:Strict", "band"]] * 3
    told = curate(tmp_path / "elsewhere", "--use", "./strict.py:First", "--to", str(tmp_path / "first.jsonl"))
    assert "examples of" in told
    (home / "strict.py").unlink()
    told = sparq_command("regrade", str(tmp_path / "elsewhere"), code=2)
    assert f"there is no file {home / 'strict.py'}" in told


def test_a_regrading_that_fails_leaves_the_ledger_as_it_was(sums: Any, tmp_path: Path) -> None:
    (tmp_path / "strict.py").write_text(STRICT.replace("{other}", "incorrect"))
    pipeline = sums(steps=2)
    pipeline["plugins"][4] = {"use": "./strict.py:Strict"}
    run_pipeline(pipeline, tmp_path)
    (tmp_path / "strict.py").write_text(STRICT.replace("{other}", "wrong"))
    told = sparq_command("regrade", str(tmp_path / "run"), code=1)
    assert "hook `verify`, regrading: Invalid enum value 'wrong'" in told
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert [id_ for (id_,) in ledger.query("SELECT id FROM grading")] == [1]
