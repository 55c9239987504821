"""Whether a place can hold a ledger: locks and transactions are tried out there, in a folder that is taken away again."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sparq_core.contract.records import Finding
from sparq_core.ledger import storage
from sparq_core.ledger.files import sync, whole

RIVAL = """
import fcntl, sqlite3, sys
lock, ledger = sys.argv[1:]
try:
    fcntl.flock(open(lock, "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("lock")
except OSError:
    pass
try:
    sqlite3.connect(ledger, timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
    print("ledger")
except sqlite3.OperationalError:
    pass
"""
"""Another process that wants to write to the same run, and prints what it could get hold of."""
GOT = {
    "lock": "two processes can hold the same lock here, so two runs could write to one ledger",
    "ledger": "two processes can write to one SQLite file at once here, which destroys it",
}
LOCAL = "use a local disk, or storage that several machines may lock"


def findings(folder: Path) -> list[Finding]:
    """What is wrong with the place of this run folder, which need not be there yet; nothing where nobody may write there."""
    place = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    try:
        with TemporaryDirectory(prefix=".sparq-check-", dir=place) as scratch:
            return list(_tried(Path(scratch), folder))
    except PermissionError:
        return []
    except (OSError, sqlite3.Error) as error:
        return [_finding("error", folder, f"a ledger cannot be kept here: {error}; {LOCAL}")]


def _tried(scratch: Path, folder: Path) -> Iterator[Finding]:
    kind = storage.file_system(scratch)
    with storage.new(scratch / storage.DATABASE) as path:
        storage.create(path).close()
    with storage.locked(scratch), closing(storage.open_writable(scratch / storage.DATABASE)) as ledger:
        slower = storage.make_durable(ledger, scratch)
        ledger.execute("BEGIN IMMEDIATE")
        for what in _gets(scratch):
            yield _finding("error", folder, f"{GOT[what]} (on {kind}); {LOCAL}")
        ledger.execute("ROLLBACK")
    with whole(scratch / "file") as partial:
        partial.write_bytes(b"written whole")
    sync(scratch)
    if slower:
        yield _finding(
            "warning", folder, f"on {kind} a ledger cannot be read while it is written, and commits are slower; {LOCAL}"
        )


def _gets(scratch: Path) -> list[str]:
    """What another process can get hold of that this one holds."""
    command = [sys.executable, "-I", "-S", "-c", RIVAL, str(scratch / storage.LOCK), str(scratch / storage.DATABASE)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- this interpreter
    return done.stdout.split()


def _finding(level: Literal["error", "warning"], folder: Path, message: str) -> Finding:
    return Finding(level=level, place=f"run folder {folder}", message=message)
