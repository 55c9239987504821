"""Labels for what a run did not keep: given once, after the run, and used by all that looks at labels."""

import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from runs import curate, rows, sparq_command

import sparq_core as sparq
from sparq_core.testing import run_pipeline

TABLES = (
    "step",
    "problem",
    "attempt",
    "text",
    "grading",
    "verdict",
    "outcome",
    "again",
    "curation",
    "curated",
    "phase",
)
"""What labelling leaves as it is."""


@pytest.fixture
def folder(run_folder: Path, tmp_path: Path) -> Path:
    """A copy of a finished run whose seeds were attempted, too."""
    shutil.copytree(run_folder, tmp_path / "copy")
    return tmp_path / "copy"


def contents(folder: Path, *tables: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(folder / "sparq.db")) as connection:
        return {table: list(connection.execute(f"SELECT * FROM {table}")) for table in tables}


def label(folder: Path, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        sparq_command("label", str(folder), "--json", *arguments).partition("labelling")[0]
    )
    return told


def test_what_was_not_kept_is_described_like_what_was(folder: Path) -> None:
    before = contents(folder, *TABLES)
    with sparq.Reader.open(folder) as ledger:
        digest = ledger.last_digest()
        kept = {s.child.problem.id: s.child.descriptors for s in ledger.solved()}
        others = [s.child for s in ledger.solved([1], outcome=None) if s.child.outcome not in {"kept", "rejected"}]
    assert others
    assert not any(child.descriptors for child in others)
    told = label(folder)
    assert told["labelled"] == len(others)
    assert told["tokens"]["labeller"]["sampled"] > 0
    assert contents(folder, *TABLES) == before
    with sparq.Reader.open(folder) as ledger:
        assert ledger.last_digest() == digest
        assert {s.child.problem.id: s.child.descriptors for s in ledger.solved()} == kept
        assert all(ledger.child(child.problem.id).descriptors["skills"] for child in others)
        (large,) = [c for c in others if c.problem.id == others[-1].problem.id]
        a, b = map(int, re.findall(r"\d+", large.problem.statement))
        assert ("large numbers" in ledger.child(large.problem.id).descriptors["skills"]) == (a + b > 99)


def test_nothing_is_labelled_twice(folder: Path) -> None:
    label(folder)
    before = contents(folder, "descriptor", "completion")
    again = label(folder)
    assert (again["labelled"], again["tokens"]) == (0, {})
    assert contents(folder, "descriptor", "completion") == before


def test_the_paid_for_answers_are_kept_beside_the_runs_own(folder: Path) -> None:
    before = contents(folder, "completion")["completion"]
    told = label(folder)
    after = contents(folder, "completion")["completion"]
    assert set(before) < set(after)
    assert len(after) - len(before) == told["labelled"]
    assert len({seed for *_, seed, _, _, _, _ in after}) == len(after)


def test_the_archives_coverage_is_told_beside_the_training_sets(folder: Path) -> None:
    curate(folder, "--by", "random", "--budget", "10", "--option", "solutions=1")
    before = json.loads(sparq_command("status", str(folder), "--json"))
    told = label(folder)
    after = json.loads(sparq_command("status", str(folder), "--json"))
    assert {"archive": told["archive"], "curated": told["curated"]} == {k: after[k] for k in ("archive", "curated")}
    assert before["archive"]["described"] < after["archive"]["described"] == after["archive"]["problems"]
    assert before["archive"]["labels"]["skills"]["sets"] <= after["archive"]["labels"]["skills"]["sets"]
    assert after["curated"] == before["curated"]
    shown = " ".join(sparq_command("status", str(folder)).split())
    assert re.search(
        r"archive: (\d+) of \1 problems described; \d+ unique skills in \d+ sets, .* curated: 10 problems;", shown
    )


def test_a_wider_band_is_curated_and_exported_by_the_new_labels(folder: Path, tmp_path: Path) -> None:
    sparq_command("regrade", str(folder), "--set", "plugins.band.with.correct=[0,8]")
    label(folder)
    with sparq.Reader.open(folder, 2) as ledger:
        children = [s.child for s in ledger.solved()]
        assert all(child.descriptors["skills"] for child in children)
        sets = {tuple(child.descriptors["skills"]) for child in children if child.counts.correct}
    out = tmp_path / "wide.jsonl"
    options = ("--by", "diversity", "--budget", str(len(sets)), "--option", "solutions=1", "--grading", "2")
    curate(folder, *options, "--option", "niches={skills: {top: null}}", "--to", str(out))
    assert {tuple(row["skills"]) for row in rows(out)} == sets
    sparq_command("export", str(folder), "--grading", "2", "--to", str(tmp_path / "all.jsonl"))
    assert all(row["skills"] for row in rows(tmp_path / "all.jsonl"))


def test_the_universe_is_still_that_of_the_run(folder: Path) -> None:
    axes = {"skills": sparq.Axis(top=1)}
    with sparq.Reader.open(folder) as ledger:
        before = ledger.niches(axes).of({"skills": ["addition", "carrying", "large numbers"]})
    label(folder)
    with sparq.Reader.open(folder) as ledger:
        assert ledger.niches(axes).of({"skills": ["addition", "carrying", "large numbers"]}) == before


def test_a_labelled_run_goes_on_as_if_it_was_not(tmp_path: Path, sums: Any) -> None:
    whole = run_pipeline(sums("map-elites", steps=6), tmp_path / "whole")
    run_pipeline(sums("map-elites", steps=3), tmp_path / "parts")
    label(tmp_path / "parts" / "run")
    parts = run_pipeline(sums("map-elites", steps=6), tmp_path / "parts", resume=True)
    with whole.read() as one, parts.read() as other:
        assert one.last_digest() == other.last_digest()
        metrics = [ledger.step_row(1, 6).metrics for ledger in (one, other)]
    assert metrics[0] == metrics[1]
    assert label(tmp_path / "parts" / "run")["labelled"] > 0
    rebinned = [sparq_command("rebin", str(ran.folder)) for ran in (whole, parts)]
    assert rebinned[0] == rebinned[1]


def test_killed_at_random_moments_it_gives_each_label_once(tmp_path: Path, sums: Any) -> None:
    pipeline = sums(steps=40)
    pipeline["models"]["student"]["with"] = {"delay": 0.03}
    pipeline["in_flight"] = 20
    run_pipeline(pipeline, tmp_path)
    shutil.copytree(tmp_path / "run", tmp_path / "whole")
    label(tmp_path / "whole")
    command = [sys.executable, "-m", "sparq_core.cli", "label", str(tmp_path / "run")]
    rng, given = sparq.generator("kills"), 0
    for _ in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while process.poll() is None and len(contents(tmp_path / "run", "descriptor")["descriptor"]) <= given:
            time.sleep(0.01)
        time.sleep(0.3 * rng.random())
        process.send_signal(signal.SIGKILL)
        process.communicate()
        given = len(contents(tmp_path / "run", "descriptor")["descriptor"])
    label(tmp_path / "run")
    tables = ("descriptor", "completion", "model")
    assert contents(tmp_path / "run", *tables) == contents(tmp_path / "whole", *tables)


def test_ctrl_c_finishes_the_step_at_work(tmp_path: Path, sums: Any) -> None:
    pipeline = sums(steps=20)
    pipeline["models"]["student"]["with"] = {"delay": 0.05}
    pipeline["in_flight"] = 20
    run_pipeline(pipeline, tmp_path)
    given = len(contents(tmp_path / "run", "descriptor")["descriptor"])
    command = [sys.executable, "-m", "sparq_core.cli", "label", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(contents(tmp_path / "run", "descriptor")["descriptor"]) <= given:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 4, errors
    assert "problems left. To continue, run: sparq label" in errors
    assert label(tmp_path / "run")["left"] == 0
    assert label(tmp_path / "run")["labelled"] == 0


FAILS = """
import sparq_core as sparq


class Fails:
    describes = ("odd",)

    @sparq.hookimpl
    def describe(self, cases):
        if any(MARK in c.problem.id and c.counts.correct > 6 for c in cases):
            raise ValueError("too easy to describe")
        return [{"odd": len(c.problem.statement) % 2} for c in cases]
"""


def failing(sums: Any, folder: Path, mark: str) -> Path:
    (folder / "fails.py").write_text(FAILS.replace("MARK", repr(mark)))
    pipeline = sums(steps=4, attempts={"k": 8})
    pipeline["plugins"].insert(5, {"use": "band", "with": {"correct": [1, 6]}})
    pipeline["plugins"].append({"use": "./fails.py:Fails"})
    return run_pipeline(pipeline, folder).folder


def test_a_plugin_that_fails_is_named_and_what_was_labelled_is_kept(sums: Any, tmp_path: Path) -> None:
    folder = failing(sums, tmp_path, "1.4.")
    told = sparq_command("label", str(folder), code=1)
    assert "'./fails.py:Fails'" in told
    assert "hook `describe`, step 1.4: ValueError: too easy to describe" in told
    with sparq.Reader.open(folder) as ledger:
        others = [s.child for s in ledger.solved([1], outcome=None) if s.child.outcome not in {"kept", "rejected"}]
    done = {child.problem.id.startswith("1.4."): bool(child.descriptors) for child in others}
    assert done == {False: True, True: False}


def test_labels_of_another_kind_are_refused(sums: Any, tmp_path: Path) -> None:
    folder = failing(sums, tmp_path, "none")
    descriptors = contents(folder, "descriptor")
    told = sparq_command("label", str(folder), "--set", "plugins.skills.with.max=5", code=2)
    assert "plugins.skills.with.max: 3 → 5" in told
    (tmp_path / "fails.py").write_text(FAILS.replace("MARK", repr("other")))
    told = sparq_command("label", str(folder), code=2)
    assert "plugins../fails.py:Fails.files.code: " in told
    assert contents(folder, "descriptor") == descriptors


def test_a_run_that_describes_nothing_has_no_labels_to_give(sums: Any, tmp_path: Path) -> None:
    pipeline = sums(steps=2)
    del pipeline["plugins"][5]
    run_pipeline(pipeline, tmp_path)
    assert "none of them describes problems" in sparq_command("label", str(tmp_path / "run"), code=2)


def test_a_run_that_is_still_at_work_is_left_alone(folder: Path) -> None:
    from sparq_core.ledger.storage import Lock

    lock = Lock(folder)
    assert "another process is writing" in sparq_command("label", str(folder), code=5)
    lock.release()


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    assert "there is no run here" in sparq_command("label", str(tmp_path), code=2)
