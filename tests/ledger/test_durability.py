"""Nothing committed is lost: kill −9, Ctrl-C, two writers, broken disks."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.ledger import dataset, storage
from sparq_core.testing import run_pipeline

KILLS = 10


def start(pipeline: Path, folder: Path, **how: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(pipeline), "--out", str(folder), "--resume"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


def slowly(pipeline: dict[str, Any]) -> dict[str, Any]:
    """The same pipeline with a model that takes its time, so that a kill finds steps in flight."""
    return {**pipeline, "models": {"student": {"use": "scripted", "model": "sums", "with": {"delay": 0.1}}}}


def story(folder: Path) -> tuple[str, str]:
    with sparq.Reader.open(folder) as ledger:
        rows = "\n".join(json.dumps(row) for row in dataset.rows(ledger, dataset.chosen(ledger)))
        return ledger.last_digest(), rows


@pytest.mark.parametrize("select", ["static-uniform", "map-elites"])
def test_killed_at_random_moments_ends_as_if_it_was_not(sums: Callable[..., Any], tmp_path: Path, select: str) -> None:
    pipeline = sums(select, steps=200, in_flight=8)
    whole = run_pipeline(pipeline, tmp_path / "whole")
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(slowly(pipeline)))
    rng = sparq.generator(select)
    attempts: dict[int, tuple[Any, ...]] = {}
    for number in range(KILLS):
        process = start(path, tmp_path / "parts")
        if number % 2:
            wait_for_more(tmp_path / "parts", len(attempts))
        time.sleep(0.6 * rng.random())
        process.kill()
        _, errors = process.communicate()
        assert (process.returncode, "Traceback" in errors) == (-signal.SIGKILL, False)
        attempts = unchanged(tmp_path / "parts", attempts)
    assert attempts
    final = start(path, tmp_path / "parts")
    _, errors = final.communicate()
    assert final.returncode == 0, errors
    unchanged(tmp_path / "parts", attempts)
    assert story(tmp_path / "parts") == story(whole.folder)


def wait_for_more(folder: Path, attempts: int) -> None:
    """Until more attempts are committed, however slow the machine is."""
    while not (folder / "sparq.db").exists():
        time.sleep(0.01)
    with sparq.Reader.open(folder) as ledger:
        while next(ledger.query("SELECT count(*) FROM attempt"))[0] <= attempts:
            time.sleep(0.01)


def unchanged(folder: Path, before: dict[int, tuple[Any, ...]]) -> dict[int, tuple[Any, ...]]:
    """All attempts now in the ledger; those from before are still there as they were."""
    if not (folder / "sparq.db").exists():
        assert not before
        return {}
    with sparq.Reader.open(folder) as ledger:
        now = {row[0]: row for row in ledger.query("SELECT * FROM attempt")}
    assert {id_: now[id_] for id_ in before} == before
    return now


def test_ctrl_c_drains_and_commits(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=60, in_flight=4)
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(slowly(pipeline)))
    process = start(path, tmp_path / "run")
    wait_for_steps(tmp_path / "run", 3)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 4, errors
    assert "--resume" in output
    final = start(path, tmp_path / "run")
    final.communicate()
    assert story(tmp_path / "run") == story(run_pipeline(pipeline, tmp_path / "whole").folder)


def test_second_ctrl_c_ends_at_once(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=10)
    pipeline["models"]["student"]["with"] = {"delay": 20.0}
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(pipeline))
    process = start(path, tmp_path / "run")
    wait_for_steps(tmp_path / "run", 0)
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert time.monotonic() - began < 5


def wait_for_steps(folder: Path, steps: int) -> None:
    for _ in range(400):
        if (folder / "sparq.db").exists():
            with sparq.Reader.open(folder) as ledger:
                if ledger.steps_of(1) >= steps:
                    return
        time.sleep(0.05)
    raise AssertionError("the run never got there")


def test_two_writers_are_refused(sums: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(slowly(sums(steps=100))))
    first = start(path, tmp_path / "run")
    wait_for_steps(tmp_path / "run", 1)
    second = start(path, tmp_path / "run")
    _, errors = second.communicate()
    assert second.returncode == 5
    assert "another process is writing" in errors
    first.kill()
    first.communicate()


def test_a_run_can_be_read_while_it_is_written(sums: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(slowly(sums(steps=100))))
    process = start(path, tmp_path / "run")
    wait_for_steps(tmp_path / "run", 2)
    status = subprocess.run(
        [sys.executable, "-m", "sparq_core.cli", "status", str(tmp_path / "run"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(status.stdout)["attempts"]["drawn"] > 0
    process.kill()
    process.communicate()


def test_a_full_disk_stops_the_run_resumably(sums: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=400)))
    limit = 400_000

    def few_bytes() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = start(path, tmp_path / "run", preexec_fn=few_bytes)
    _, errors = process.communicate()
    assert process.returncode == 4
    assert "--resume" in errors
    assert "ulimit -f" in errors or "free some space" in errors
    with sparq.Reader.open(tmp_path / "run") as ledger:
        committed = ledger.steps_of(1)
    assert 0 < committed < 400
    path.write_text(json.dumps(sums(steps=committed + 5)))
    final = start(path, tmp_path / "run")
    final.communicate()
    assert story(tmp_path / "run") == story(run_pipeline(sums(steps=committed + 5), tmp_path / "whole").folder)


def test_a_ledger_that_is_garbage_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / storage.DATABASE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(sparq.SparqError, match="cannot be read as a ledger"):
        sparq.Reader.open(tmp_path)


def test_a_ledger_of_another_format_is_refused(sums: Callable[..., Any], tmp_path: Path) -> None:
    import sqlite3

    run_pipeline(sums(steps=1), tmp_path)
    connection = sqlite3.connect(tmp_path / "run" / storage.DATABASE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(sparq.PipelineError, match="format 99"):
        sparq.Reader.open(tmp_path / "run")


def test_a_network_disk_gets_the_rollback_journal_and_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "file_system", lambda _: "nfs4")
    connection = storage.create(tmp_path / "x.db")
    warning = storage.make_durable(connection, tmp_path)
    assert warning is not None
    assert "nfs4" in warning
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_the_file_system_of_a_folder_is_known() -> None:
    assert storage.file_system(Path("/proc/self")) == "proc"
    assert storage.file_system(Path.cwd()) not in {"", "unknown"}
