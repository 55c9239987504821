"""A ledger of an older format comes along: copied forward, gone on with, refused with a reason where it cannot be."""

import json
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
import yaml
from runs import rows

import sparq_core as sparq
from sparq_core.ledger.migration import migrate
from sparq_core.ledger.storage import FORMAT
from sparq_core.testing import run_pipeline

OLD = Path(__file__).parent / "format_2"
DIGEST = "7857496279f9038b418ddc97bd3ab35c"
BAYES = {"use": "bayes", "with": {"wave": 2, "complete": False, "from_parents": 2.0}}
SPARQ = [sys.executable, "-m", "sparq_core.cli"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with a run of format 2, as that version left it."""
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


def in_new_form(**settings: Any) -> dict[str, Any]:
    pipeline: dict[str, Any] = yaml.safe_load((OLD / "pipeline.yaml").read_text())
    pipeline["attempts"] = {"k": pipeline["attempts"]["k"], "again": pipeline["attempts"]["again"]}
    pipeline["plugins"][0]["with"]["extra"] = []
    pipeline["plugins"].append(BAYES)
    return {**pipeline, **settings}


def test_an_old_ledger_names_its_remedy(old: Path) -> None:
    with pytest.raises(sparq.PipelineError, match=r"of format 2, .* sparq migrate"):
        sparq.Reader.open(old / "run")


def test_every_row_and_the_digest_come_along(old: Path, tmp_path: Path) -> None:
    before = sorted(p.read_bytes() for p in (old / "run").rglob("*") if p.is_file())
    done = migrate(old / "run", tmp_path / "new")
    assert done.digest == DIGEST
    assert sorted(p.read_bytes() for p in (old / "run").rglob("*") if p.is_file() and p.name != ".lock") == before
    tables = (
        "problem",
        "attempt",
        "verdict",
        "outcome",
        "completion",
        "text",
        "step",
        "curated",
        "again",
        "descriptor",
    )
    was, now = (old / "run" / "sparq.db", tmp_path / "new" / "sparq.db")
    with closing(sqlite3.connect(was)) as there, closing(sqlite3.connect(now)) as here:
        for table in tables:
            assert list(there.execute(f"SELECT * FROM {table}")) == list(here.execute(f"SELECT * FROM {table}"))


def test_a_migrated_run_goes_on_once_its_changed_plugin_is_accepted(old: Path, tmp_path: Path) -> None:
    for folder in (tmp_path / "whole", tmp_path / "parts"):
        migrate(old / "run", folder / "run")
        shutil.copy(old / "seeds.jsonl", folder / "seeds.jsonl")
    with pytest.raises(sparq.PipelineError, match=r'plugins\.map-elites\.version: null → "2"(.|\n)*--accept-changes'):
        run_pipeline(in_new_form(steps=6), tmp_path / "whole", resume=True)
    whole = run_pipeline(in_new_form(steps=8), tmp_path / "whole", resume=True, accept_changes=True)
    run_pipeline(in_new_form(steps=6), tmp_path / "parts", resume=True, accept_changes=True)
    parts = run_pipeline(in_new_form(steps=8), tmp_path / "parts", resume=True)
    with whole.read() as one, parts.read() as other:
        assert (DIGEST,) in one.query("SELECT digest FROM step")
        assert one.last_digest() == other.last_digest() != DIGEST


def test_it_is_exported_and_regraded(old: Path, tmp_path: Path) -> None:
    migrate(old / "run", tmp_path / "new")
    for command in (["export"], ["regrade"], ["status", "--json"]):
        done = subprocess.run(
            [*SPARQ, command[0], tmp_path / "new", *command[1:]], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    before, now = (
        rows(f / "dataset" / name) for f, name in ((OLD / "run", "round-1.jsonl"), (tmp_path / "new", "export.jsonl"))
    )
    assert list(map(without_interval, now)) == list(map(without_interval, before))
    assert [row for row in before if not row["solve_rate_low"] <= row["solve_rate"] <= row["solve_rate_high"]]
    assert all(row["solve_rate_low"] <= row["solve_rate"] <= row["solve_rate_high"] for row in now)


def without_interval(row: dict[str, Any]) -> dict[str, Any]:
    """A row as all versions write it: the interval reached out to a corrected rate only later."""
    return {name: value for name, value in row.items() if name not in {"solve_rate_low", "solve_rate_high"}}


def test_the_command_says_what_to_write_in_the_pipeline(old: Path, tmp_path: Path) -> None:
    done = subprocess.run([*SPARQ, "migrate", old / "run", "--json"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["from"], told["to"], told["digest"]) == (2, FORMAT, DIGEST)
    assert Path(told["folder"]) == old / f"run-format-{FORMAT}"
    assert "extra: []" in told["notes"][0]
    line = json.loads(told["notes"][1].partition("`plugins`: ")[2])
    assert line["use"] == "bayes"
    assert BAYES["with"].items() <= line["with"].items()  # type: ignore[attr-defined] # a mapping


@pytest.mark.parametrize(
    ("version", "message"),
    [(1, "copies only format 2 forward"), (FORMAT, "nothing to migrate"), (99, "copies only format")],
)
def test_what_cannot_be_copied_is_refused(old: Path, tmp_path: Path, version: int, message: str) -> None:
    connection = sqlite3.connect(old / "run" / "sparq.db")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(sparq.PipelineError, match=message):
        migrate(old / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_replaced(old: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(sparq.PipelineError, match="already exists"):
        migrate(old / "run", tmp_path / "new")
    with pytest.raises(sparq.PipelineError, match="there is no run here"):
        migrate(tmp_path, tmp_path / "other")


def test_a_damaged_ledger_is_an_error_and_leaves_no_copy(old: Path, tmp_path: Path) -> None:
    path = old / "run" / "sparq.db"
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM verdict WHERE attempt = 3")
    connection.commit()
    connection.close()
    with pytest.raises(sparq.SparqError, match="does not add up"):
        migrate(old / "run", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_kill_leaves_the_original_and_no_half_copy(old: Path, tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from sparq_core.ledger.migration import migrate; print('go', flush=True); "
    script += "migrate(Path(sys.argv[1]), Path(sys.argv[2]))"
    for i in range(6):
        command = [sys.executable, "-c", script, str(old / "run"), str(tmp_path / "new")]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(i * 0.004)
            process.send_signal(signal.SIGKILL)
        if (tmp_path / "new").exists():
            with sparq.Reader.open(tmp_path / "new") as reader:
                assert reader.last_digest() == DIGEST
            shutil.rmtree(tmp_path / "new")
    assert migrate(old / "run", tmp_path / "new").digest == DIGEST
