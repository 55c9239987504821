"""Where a run lives: its folder, its SQLite file and the lock that lets one process write."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

from sparq_core.contract.errors import PipelineError, RunLockedError, SparqError

DATABASE = "sparq.db"
LOCK = ".lock"
FORMAT = 3
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "lustre", "cifs", "smb3", "gpfs", "beegfs", "ceph", "9p", "fuse.sshfs", "afs"}
"""File systems without the shared memory that SQLite's write-ahead log needs."""


def create(path: Path | str) -> sqlite3.Connection:
    """A new ledger file with its tables, or `:memory:`."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"BEGIN;\n{files('sparq_core.ledger').joinpath('schema.sql').read_text()}\nPRAGMA user_version = {FORMAT};\nCOMMIT;"
    )
    return connection


def open_writable(path: Path) -> sqlite3.Connection:
    """An existing ledger file, for its one writer."""
    return _checked(sqlite3.connect(path, isolation_level=None), path)


def open_readonly(path: Path) -> sqlite3.Connection:
    """An existing ledger file, for any reader, also while it is written."""
    if (path.parent / "cells").is_dir() and not path.is_file():
        raise PipelineError(f"{path.parent}: is a study's folder; its runs are in cells/ARM/seed-N below it")
    if not path.is_file():
        raise PipelineError(f"{path.parent}: there is no run here (no {path.name}); `sparq run` makes one")
    return _checked(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True), path)


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        raise SparqError(f"{path}: cannot be read as a ledger: {error}") from error
    if version != FORMAT:
        remedy = (
            f"sparq migrate {path.parent} copies it forward" if version < FORMAT else "take a newer version of sparq"
        )
        raise PipelineError(f"{path}: is a ledger of format {version}, this version reads format {FORMAT}; {remedy}")
    return connection


def copy(source: Path, target: Path) -> None:
    """Copy a ledger file as it stands, also while it is written."""
    with closing(open_readonly(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file that shall be there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    yield partial
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def make_durable(connection: sqlite3.Connection, folder: Path) -> str | None:
    """Set the journal that the file system allows; the warning to show where that is the slower one."""
    connection.execute("PRAGMA synchronous = FULL")
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
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise _refusal(folder, error) from error

    @staticmethod
    def is_held(folder: Path) -> bool:
        """Whether a run folder has a writer now; no where that cannot be found out."""
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


def _refusal(folder: Path, error: OSError) -> SparqError:
    if isinstance(error, BlockingIOError):
        return RunLockedError(f"{folder}: another process is writing to this run; wait for it, or give another --out")
    kind = file_system(folder)
    return PipelineError(f"{folder}: cannot be locked on {kind}: {error.strerror}; use a local disk")
