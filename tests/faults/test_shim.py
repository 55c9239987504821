"""The shim counts, fails, tears and logs what it says, and nothing else."""

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from faults import Change, Fault, count_calls, needs_compiler, run_with_fault, trace

pytestmark = needs_compiler

WRITES = """
import os, sqlite3, sys
folder = sys.argv[1]
with open(folder + "/a", "wb", buffering=0) as file:
    file.write(b"first-")
    file.write(b"second")
    os.fsync(file)
os.rename(folder + "/a", folder + "/b")
open(folder + "/../elsewhere", "w").write("not counted")
print("done")
"""

LEDGER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1] + "/x.db", isolation_level=None)
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE IF NOT EXISTS t (a)")
"""

FORKS = """
import os, sys
from pathlib import Path
from faults import Fault, in_child

folder = Path(sys.argv[1])
def write():
    (folder / str(os.getpid())).write_text("x")
    return 3
print([in_child(write, folder, Fault("write", 1, what)) for what in ("kill", 28)], in_child(write, folder, Fault("write", 2)))
"""


def command(script: str, folder: Path) -> list[str]:
    return [sys.executable, "-c", script, str(folder)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def test_calls_below_the_folder_are_counted(folder: Path) -> None:
    listed = count_calls(command(WRITES, folder), folder)
    assert [(call.name, call.path.name) for call in listed] == [
        ("open", "a"),
        ("write", "a"),
        ("write", "a"),
        ("fsync", "a"),
        ("rename", "b"),
    ]


def test_calls_of_sqlite_are_counted(folder: Path) -> None:
    names = {(call.name, call.path.name) for call in count_calls(command(LEDGER, folder), folder)}
    assert {("open", "x.db"), ("pwrite", "x.db"), ("pwrite", "x.db-journal"), ("unlink", "x.db-journal")} <= names
    assert names & {("fsync", "x.db"), ("fdatasync", "x.db")}
    locks = count_calls(command(LEDGER, folder), folder, "fcntl")
    assert {call.name for call in locks} == {"fcntl"}


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        (Fault("write", 2), b"first-"),
        (Fault("write", 2, "torn"), b"first-sec"),
        (Fault(None, 5), b"first-second"),
    ],
)
def test_a_process_is_killed_where_it_was_asked(folder: Path, fault: Fault, left: bytes) -> None:
    done = run_with_fault(command(WRITES, folder), fault, folder)
    assert done.returncode == -signal.SIGKILL
    assert (folder / "a").read_bytes() == left


def test_a_call_fails_with_the_errno_asked_for(folder: Path) -> None:
    done = run_with_fault(command(WRITES, folder), Fault("fsync", 1, errno.EIO), folder)
    assert os.strerror(errno.EIO) in done.stderr
    assert run_with_fault(command(WRITES, folder), Fault("write", 3, errno.ENOSPC), folder).returncode == 0
    twice = f"try:\n  open({str(folder / 'a')!r}, 'w')\nexcept OSError: open({str(folder / 'a')!r}, 'w')"
    once, lasting = Fault("open", 1, errno.EROFS), Fault("open", 1, errno.EROFS, lasting=True)
    assert run_with_fault(command(twice, folder), once, folder).returncode == 0
    assert run_with_fault(command(twice, folder), lasting, folder).returncode == 1


def test_a_trace_holds_what_was_done(folder: Path) -> None:
    done = trace(command(WRITES, folder), folder)
    assert [(c.name, c.number, c.data) for c in done[1:4]] == [
        ("write", 0, b"first-"),
        ("write", 6, b"second"),
        ("fsync", 0, b""),
    ]
    assert done[-1] == Change("rename", folder / "a", folder / "b", 0, b"")


def test_children_of_a_process_meet_each_its_own_fault(folder: Path) -> None:
    done = run_with_fault(command(FORKS, folder), None, folder, PYTHONPATH=str(Path(__file__).parents[1]))
    assert done.stdout == "[-9, 70] 3\n", done.stderr
