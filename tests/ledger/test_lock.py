"""One writer a run folder: asked for, taken away, where there can be none."""

import errno
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sparq_core.contract.errors import PipelineError, RunLockedError
from sparq_core.ledger import storage
from sparq_core.ledger.storage import Lock

HOLD = """
import sys, time
from pathlib import Path
from sparq_core.ledger.storage import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def take_elsewhere(folder: Path) -> "subprocess.Popen[str]":
    """A process that takes the lock and then holds it."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def held_elsewhere(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    with take_elsewhere(folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_asking_in_the_process_that_holds_it_gives_nothing_away(tmp_path: Path) -> None:
    assert not Lock.is_held(tmp_path)
    lock = Lock(tmp_path)
    assert Lock.is_held(tmp_path)
    assert Lock.is_held(tmp_path)
    with pytest.raises(RunLockedError):
        Lock(tmp_path)
    _, errors = take_elsewhere(tmp_path).communicate(timeout=30)
    assert "RunLockedError" in errors
    lock.release()
    assert not Lock.is_held(tmp_path)
    Lock(tmp_path).release()


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    with held_elsewhere(tmp_path) as process:
        assert Lock.is_held(tmp_path)
        with pytest.raises(RunLockedError, match="another process is writing"):
            Lock(tmp_path)
        process.kill()
        process.wait()
        assert not Lock.is_held(tmp_path)
        Lock(tmp_path).release()


def test_those_who_ask_do_not_take_each_other_for_writers(tmp_path: Path) -> None:
    Lock(tmp_path).release()
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert not Lock.is_held(tmp_path)


def test_a_writer_begins_while_others_ask(tmp_path: Path) -> None:
    Lock(tmp_path).release()
    with (tmp_path / ".lock").open() as file, ThreadPoolExecutor() as threads:
        fcntl.flock(file, fcntl.LOCK_SH)
        began = threads.submit(Lock, tmp_path)
        with pytest.raises(TimeoutError):
            began.result(timeout=0.05)
        fcntl.flock(file, fcntl.LOCK_UN)
        began.result(timeout=5).release()


def test_a_writer_waits_for_those_who_ask_no_longer_than_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LONGEST_ASKED", 0.05)
    Lock(tmp_path).release()
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        with pytest.raises(RunLockedError):
            Lock(tmp_path)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(PipelineError, match="cannot be written to"):
        Lock(tmp_path)
    with pytest.raises(PipelineError, match="/sys: cannot be written to"):
        Lock(Path("/sys"))
    assert not Lock.is_held(Path("/sys"))


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(PipelineError, match=r"cannot be locked on .*: Function not implemented"):
        Lock(tmp_path)
    assert not Lock.is_held(tmp_path)
