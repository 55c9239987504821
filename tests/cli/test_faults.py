"""What the machine refuses is one line with its remedy, and an exit code that says whether a run can be gone on with."""

import errno
import fcntl
import gc
import json
import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command

import sparq_core.cli.run
from sparq_core.cli import faults
from sparq_core.contract.errors import RunLockedError
from sparq_core.ledger import storage
from sparq_core.pipeline.discovery import Member

FULL = """
import sparq_core as sparq


class Full:
    @sparq.hookimpl
    def commit(self, step):
        if step.round:
            RAISE
"""


@pytest.fixture
def pipeline(sums: Callable[..., Any], tmp_path: Path) -> dict[str, Any]:
    settings: dict[str, Any] = sums(steps=3, batch=3, in_flight=1, attempts={"k": 4})
    return settings


assert sparq_core.cli.run  # imported before files run out


def sparq_run(
    folder: Path, pipeline: dict[str, Any], *more: str, before: Callable[[], object] = lambda: None, to: str = "run"
) -> tuple[int, str]:
    (folder / "sums.json").write_text(json.dumps(pipeline))
    command = Command(folder, "run", str(folder / "sums.json"), "--out", str(folder / to), *more, before=before)
    code = command.end()
    assert "Traceback" not in command.printed
    return code, command.printed


def with_plugin(pipeline: dict[str, Any], folder: Path, body: str) -> dict[str, Any]:
    (folder / "full.py").write_text(FULL.replace("RAISE", body))
    return {**pipeline, "plugins": [*pipeline["plugins"], {"use": "./full.py:Full"}]}


def limited(kind: int, limit: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (limit, resource.getrlimit(kind)[1]))


def few_files(more: int) -> Callable[[], None]:
    """So many files may be opened beside those that are."""

    def limit() -> None:
        gc.collect()  # closes what earlier tests left open, which would be free for more
        gc.disable()
        lowest = os.dup(0)
        os.close(lowest)
        limited(resource.RLIMIT_NOFILE, lowest + more)()

    return limit


def refusing(owner: Any, name: str, number: int) -> Callable[[], None]:
    """What the operating system would answer, where this is called."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/run/there")

    return lambda: setattr(owner, name, refuse)


@pytest.mark.parametrize(
    ("before", "remedy"),
    [
        (few_files(1), "raise the limit (ulimit -n)"),
        (limited(resource.RLIMIT_FSIZE, 3_000), "ulimit -f"),
        (refusing(Path, "mkdir", errno.EROFS), "change the permissions"),
        (refusing(fcntl, "flock", errno.ENOLCK), "a local disk"),
        (refusing(Path, "write_text", errno.ENOSPC), "free some space there"),
    ],
    ids=["open files", "file size", "read-only", "no locks", "full disk"],
)
def test_nothing_begun_is_2(pipeline: dict[str, Any], tmp_path: Path, before: Callable[[], None], remedy: str) -> None:
    code, printed = sparq_run(tmp_path, pipeline, before=before)
    assert (code, remedy in printed) == (2, True), printed


@pytest.fixture
def begun(pipeline: dict[str, Any], tmp_path: Path) -> Path:
    code, printed = sparq_run(tmp_path, {**pipeline, "steps": 1})
    assert code == 0, printed
    return tmp_path


@pytest.mark.parametrize(
    ("before", "remedy"),
    [
        (few_files(4), "ulimit -n"),
        (limited(resource.RLIMIT_FSIZE, 150_000), "ulimit -f"),
        (refusing(fcntl, "flock", errno.ENOLCK), "a local disk"),
        (refusing(storage, "Lock", errno.EROFS), "change the permissions"),
    ],
    ids=["open files", "file size", "no locks", "read-only"],
)
def test_a_run_that_is_there_is_4_and_goes_on(
    pipeline: dict[str, Any], begun: Path, before: Callable[[], None], remedy: str
) -> None:
    code, printed = sparq_run(begun, {**pipeline, "steps": 40}, "--resume", before=before)
    assert (code, remedy in printed, "--resume" in printed) == (4, True, True), printed
    code, printed = sparq_run(begun, {**pipeline, "steps": 2}, "--resume")
    assert code == 0, printed


@pytest.mark.parametrize(
    ("raises", "code", "told"),
    [
        ("raise OSError(28, 'No space left on device', 'cache')", 4, "free some space there"),
        ("raise OSError(24, 'Too many open files')", 4, "ulimit -n"),
        ("raise MemoryError", 4, "reduce in_flight"),
        ('raise RuntimeError("can\'t start new thread")', 4, "ulimit -u"),
        ("open('/no/such/file')", 1, "No such file"),
        ("__import__('sys').exit(0)", 1, "SystemExit: 0"),
    ],
)
def test_a_plugin_is_refused_things_as_well(
    pipeline: dict[str, Any], tmp_path: Path, raises: str, code: int, told: str
) -> None:
    (tmp_path / "sums.json").write_text(json.dumps(with_plugin(pipeline, tmp_path, raises)))
    command = Command(tmp_path, "run", str(tmp_path / "sums.json"), "--out", str(tmp_path / "run"))
    assert command.end() == code, command.printed
    assert "hook `commit`, step 1.1" in command.printed
    assert told in command.printed
    assert "--resume" in command.printed
    assert ("full.py" in command.printed.split("error:")[0]) == (code == 1)


def test_a_plugin_that_ends_the_program_outside_of_its_hooks_is_at_fault(
    pipeline: dict[str, Any], tmp_path: Path
) -> None:
    def exits(_: Member) -> None:
        raise SystemExit(0)

    code, printed = sparq_run(tmp_path, pipeline, before=lambda: setattr(Member, "describes", exits))
    assert (code, "a plugin called sys.exit(0)" in printed) == (1, True), printed


def test_a_damaged_ledger_names_the_doctor(begun: Path) -> None:
    ledger = begun / "run" / "sparq.db"
    data = bytearray(ledger.read_bytes())
    for command in ("status", "export"):
        ledger.write_bytes(data[:8192] + b"\xff" * (len(data) - 8192))
        asked = Command(begun, command, str(begun / "run"))
        assert asked.end() == 1, asked.printed
        assert "`sparq doctor RUN`" in asked.printed
        assert "Traceback" not in asked.printed
    ledger.write_bytes(b"not a database at all" * 100)
    asked = Command(begun, "status", str(begun / "run"))
    assert (asked.end(), "file is not a database" in asked.printed) == (1, True)
    assert "`sparq doctor RUN`" in asked.printed


def test_no_folder_for_temporary_files() -> None:
    error = FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']")
    told = faults.refused(error)
    assert told is not None
    assert (told.exit_code, "TMPDIR" in str(told)) == (1, True)


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), OSError("odd"), BrokenPipeError(errno.EPIPE, "Broken pipe"), sqlite3.ProgrammingError("no such")],
    ids=repr,
)
def test_what_is_a_bug_stays_one(error: Exception) -> None:
    assert faults.refused(error) is None


@pytest.mark.parametrize("code", sorted(faults.OF_SQLITE))
def test_every_refusal_of_sqlite_has_a_remedy(code: int) -> None:
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code | (3 << 8)
    told = faults.refused(error)
    assert told is not None
    assert faults.OF_SQLITE[code] in str(told)


def test_a_run_that_another_holds_keeps_its_own_code() -> None:
    error = RunLockedError("held")
    error.__cause__ = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    assert faults.refused(error) is None
