"""A finished run seen anew: curated, graded and binned again, with nothing changed that was there."""

import re
from pathlib import Path
from typing import Any

import pytest
from runs import curate, rows, sparq_command

import sparq_core as sparq
from sparq_core.testing import run_pipeline


@pytest.mark.parametrize("by", ["random", "quality", "diversity", "qd"])
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
        (["--use", "sympy"], "does not answer 'curate'"),
        (["--option", "bugdet=3"], "did you mean 'budget'"),
    ],
)
def test_a_wrong_choice_is_refused(run_folder: Path, arguments: list[str], message: str) -> None:
    assert message in curate(run_folder, *arguments, code=2)


def test_regrading_alike_changes_nothing(run_folder: Path) -> None:
    told = sparq_command("regrade", str(run_folder))
    for what in ("problems", "attempts"):
        counts = re.search(rf"{what}: ([\d,]+) of ([\d,]+) as before", told)
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
    assert "does not answer 'commit'" in sparq_command("rebin", str(run_folder), "--use", "sympy", code=2)
