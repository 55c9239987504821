"""A writer killed in the midst of a commit that is made in place: the next writer rolls it back, readers say what to do."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from runs import digest, sparq_command

import sparq_core as sparq
from sparq_core.ledger import storage
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]
HALF = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = DELETE")
connection.execute("PRAGMA cache_size = 2")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE problem SET statement = hex(randomblob(4000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def half(sums: Make, tmp_path: Path) -> Path:
    """The folder of a finished run whose writer was killed while it changed pages in place."""
    folder = run_pipeline(sums(steps=3), tmp_path).folder
    killed = subprocess.run([sys.executable, "-c", HALF, str(folder / storage.DATABASE)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (folder / "sparq.db-journal").stat().st_size
    return folder


def test_readers_say_what_puts_it_right_and_change_nothing(half: Path) -> None:
    before = (half / storage.DATABASE).read_bytes()
    for command in ("status", "export", "show", "rebin", "doctor"):
        more = ["1.1.0"] if command == "show" else []
        told = sparq_command(command, str(half), *more, code=1)
        assert "left it half written; `sparq run … --resume` repairs that" in told
    assert (half / storage.DATABASE).read_bytes() == before


def test_resume_goes_on_to_the_same_end(sums: Make, half: Path, tmp_path: Path) -> None:
    ended = run_pipeline(sums(steps=6), tmp_path, resume=True)
    assert digest(ended) == digest(run_pipeline(sums(steps=6), tmp_path / "whole"))


@pytest.mark.parametrize("command", ["regrade", "curate", "label"])
def test_commands_that_write_roll_it_back_first(half: Path, command: str) -> None:
    sparq_command(command, str(half))
    with closing(sqlite3.connect(half / storage.DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT statement FROM problem LIMIT 1").fetchone()[0].startswith("What is")


def test_a_ledger_of_an_older_format_is_rolled_back_and_copied(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(Path(__file__).parent / "format_2" / "run", folder)
    subprocess.run([sys.executable, "-c", HALF, str(folder / storage.DATABASE)], check=False)
    assert (folder / "sparq.db-journal").exists()
    sparq_command("migrate", str(folder))
    assert "kept" in sparq_command("status", str(tmp_path / "run-format-3"))


def test_a_run_on_a_network_disk_killed_in_a_commit_goes_on(
    sums: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "file_system", lambda _: "nfs4")
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=5)))

    def killed_in_commit(event: sparq.Event) -> None:
        if isinstance(event, sparq.StepCommitted) and (event.round, event.step) == (1, 3):
            subprocess.run([sys.executable, "-c", HALF, str(tmp_path / "run" / storage.DATABASE)], check=False)
            os._exit(9)

    child = os.fork()
    if not child:
        session.execute(prepare.load(path), tmp_path / "run", False, [killed_in_commit], lambda: False)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert (tmp_path / "run" / "sparq.db-journal").exists()
    ended = run_pipeline(sums(steps=5), tmp_path, resume=True)
    assert digest(ended) == digest(run_pipeline(sums(steps=5), tmp_path / "whole"))


def test_a_new_ledger_has_its_journal_from_the_start(sums: Make, tmp_path: Path) -> None:
    path = tmp_path / "run" / storage.DATABASE
    path.parent.mkdir()
    with storage.new(path) as partial, closing(storage.create(partial)):
        pass
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [file.name for file in path.parent.iterdir()] == [storage.DATABASE]
