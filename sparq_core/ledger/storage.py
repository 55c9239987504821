"""Where a run lives: its folder, its SQLite file and the lock that lets one process write."""

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from sparq_core.contract.errors import HalfWrittenError, PipelineError, RunLockedError, RunMovedError, SparqError
from sparq_core.ledger.files import PARTIAL, make_folder, sync, sync_all

DATABASE = "sparq.db"
LOCK = ".lock"
SOURCE, RESOLVED = "pipeline.yaml", "pipeline.resolved.yaml"
"""The pipeline as given and as resolved, beside the ledger."""
JOURNALS = ("-journal", "-wal", "-shm")
"""What SQLite adds to a file's name for those it keeps beside it."""
LEFT = {LOCK, *(name + end for name in (SOURCE, RESOLVED) for end in ("", PARTIAL))} | {
    DATABASE + PARTIAL + kind for kind in ("", *JOURNALS)
}
"""What there may be in the folder of a run that was killed before its ledger was there."""
PATIENCE = 60.0
"""Seconds that a writer waits for those who read, where the journal does not let both at once."""
LONGEST_ASKED = 1.0
"""Seconds that a writer waits for those who ask whether there is one."""
MOST_BELOW = 5
"""Runs that are named where a folder holds some and is none itself."""
FORMAT = 3
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "lustre", "cifs", "smb3", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs", "afs"}
"""File systems without the shared memory that SQLite's write-ahead log needs."""


def create(path: Path | str) -> sqlite3.Connection:
    """A new ledger file with its tables, or `:memory:`."""
    schema = files("sparq_core.ledger").joinpath("schema.sql").read_text()
    connection = sqlite3.connect(path, isolation_level=None)
    with closed_on_error(connection):
        connection.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {FORMAT};\nCOMMIT;")
    return connection


def open_writable(path: Path) -> sqlite3.Connection:
    """
    An existing ledger file, for its one writer, who holds the lock.

    What a killed writer has left half written is rolled back: only a writer does that, so it comes before any reading.

    What it commits stays committed when the power is cut: the write-ahead log is synced by every commit, and of a rollback
    journal, EXTRA syncs its removal, which is the commit, too.
    """
    connection = _opened(path, "rw", isolation_level=None, timeout=PATIENCE)
    with closed_on_error(connection):
        connection.execute("PRAGMA synchronous = EXTRA")
    return connection


def open_readonly(path: Path, **how: Any) -> sqlite3.Connection:
    """An existing ledger file, for any reader, also while it is written; `how` is for `sqlite3.connect`."""
    return _opened(path, "ro", **how)


def check_there(path: Path) -> None:
    """PipelineError where there is no ledger file."""
    if (path.parent / "cells").is_dir() and not path.is_file():
        raise PipelineError(f"{path.parent}: is a study's folder; its runs are in cells/ARM/seed-N below it")
    if not path.is_file():
        below = sorted(str(run.parent) for run in path.parent.glob(f"*/{path.name}"))
        remedy = f"its runs are in {', '.join(below[:MOST_BELOW])}" if below else "`sparq run` creates one"
        others = f" and {len(below) - MOST_BELOW:,} other folders" if len(below) > MOST_BELOW else ""
        raise PipelineError(f"{path.parent}: there is no run here (no {path.name}); {remedy}{others}")


def _opened(path: Path, mode: str, **how: Any) -> sqlite3.Connection:
    check_there(path)
    connection: sqlite3.Connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, **how)
    with closed_on_error(connection):
        _check(connection, path)
    return connection


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """A connection that is handed on stays open, unless something goes wrong before that."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _check(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
            raise HalfWrittenError(
                f"{path}: a process that wrote to it was killed and left it half written; `sparq run … --resume` repairs "
                "that, and so does any command that writes to the run, such as `sparq regrade`"
            ) from error
        raise SparqError(f"{path}: cannot be read as a ledger: {error}") from error
    if version != FORMAT:
        remedy = (
            f"sparq migrate {path.parent} copies it forward" if version < FORMAT else "use a newer version of sparq"
        )
        raise PipelineError(f"{path}: is a ledger of format {version}, this version reads format {FORMAT}; {remedy}")


def copy(source: Path, target: Path) -> None:
    """Copy a ledger file as it stands, also while it is written."""
    with closing(open_readonly(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


@contextmanager
def new(path: Path) -> Iterator[Path]:
    """
    Where to make a ledger that shall be there whole or not at all; what a killed process left of one is taken away.

    It has its journal from the start: to switch to it later means a moment in which a kill leaves the file half written.
    """
    partial = path.with_name(path.name + PARTIAL)
    for kind in ("", *JOURNALS):
        partial.with_name(partial.name + kind).unlink(missing_ok=True)
    yield partial
    with closing(open_writable(partial)) as connection:
        make_durable(connection, path.parent)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sync(partial)
    partial.rename(path)
    sync(path.parent)


@contextmanager
def new_folder(to: Path) -> Iterator[Path]:
    """Where to make a folder that shall be there whole or not at all; what a killed command left there is taken away."""
    partial = to.with_name(to.name + PARTIAL)
    make_folder(partial)
    if any(partial.iterdir()) and not (partial / LOCK).exists():
        raise PipelineError(f"{partial}: is in the way; move it, or choose another folder")
    with locked(partial):
        for left in partial.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != LOCK:
                left.unlink()
        yield partial
        sync_all(partial)
        partial.rename(to)
    sync(to.parent)


def is_free(folder: Path) -> bool:
    """Whether a run may be begun in a folder: there is nothing in it but what one left that was killed before it had begun."""
    there = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    return not there or (LOCK in there and there <= LEFT)


def make_durable(connection: sqlite3.Connection, folder: Path) -> str | None:
    """Set the journal that the file system allows; the warning to show where that is the slower one."""
    connection.execute("PRAGMA foreign_keys = ON")
    kind = file_system(folder)
    if kind not in NETWORK_FILE_SYSTEMS:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode == "wal":
            return None
    connection.execute("PRAGMA journal_mode = DELETE")
    return f"{folder} is on {kind}: the ledger cannot be read while it is written, and commits are slower; use a local disk"


def file_system(folder: Path) -> str:
    """The type of the file system a folder is on, or `unknown`."""
    best, kind = "", "unknown"
    target = str(folder.resolve())
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return kind
    for line in lines:
        _, mount, name, *_ = line.split(" ")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, name
    return kind


class Home:
    """Where the file of an open ledger is, so that its writer notices when it is there no longer."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        _, _, file = connection.execute("PRAGMA database_list").fetchone()
        self._path = Path(file) if file else None
        self._was = self._now()

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found else None

    def check(self) -> None:
        """RunMovedError where the file was moved or deleted: what is written to it now, nobody would find."""
        if self._path and self._now() != self._was:
            raise RunMovedError(
                f"{self._path.parent}: the run's folder was moved or deleted during the run; committed steps are where the "
                "folder is now: move it back, or name its new place with --out, and continue with --resume"
            )


class Lock:
    """
    Holds a run folder for one writer; RunLockedError where there is one already, in this process or another.

    It is a `flock` on `.lock`, so it ends with its process, however that ends, and with nothing else. On NFS, Linux turns it
    into a lock of the server, which holds between hosts. Where a file system keeps such locks to one host, as Lustre may,
    writers on two hosts do not see each other; where it has none, PipelineError says so and nothing is written.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._file = (folder / LOCK).open("a")
        except OSError as error:
            raise PipelineError(f"{folder}: cannot be written to: {error.strerror}") from error
        try:
            self._take(folder)
        except OSError as error:
            self._file.close()
            raise _refusal(folder, error) from error

    def _take(self, folder: Path) -> None:
        """Take the lock; if it is only being asked about, after whoever asks."""
        deadline = time.monotonic() + LONGEST_ASKED
        while True:
            try:
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.is_held(folder) or time.monotonic() > deadline:
                    raise
            time.sleep(0.001)

    @staticmethod
    def is_held(folder: Path) -> bool:
        """
        Whether a run folder has a writer now; no where that cannot be found out.

        To ask is to share the lock for a moment: askers do not see each other, and a writer that begins just then waits.
        """
        try:
            with (folder / LOCK).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def release(self) -> None:
        self._file.close()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """While it lasts, a run folder has this writer and no other."""
    lock = Lock(folder)
    try:
        yield
    finally:
        lock.release()


def _refusal(folder: Path, error: OSError) -> SparqError:
    if isinstance(error, BlockingIOError):
        return RunLockedError(f"{folder}: another process is writing to this run; wait for it, or choose another --out")
    kind = file_system(folder)
    return PipelineError(f"{folder}: cannot be locked on {kind}: {error.strerror}; use a local disk")
