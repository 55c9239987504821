"""Where a run lives: its folder, its SQLite file and the lock that lets one process write."""

import fcntl
import sqlite3
from importlib.resources import files
from pathlib import Path
from typing import IO

from sparq_core.contract.errors import PipelineError, RunLockedError, SparqError

DATABASE = "sparq.db"
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
    """Holds a run folder for one writer; RunLockedError where another process has it."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[str] = (folder / ".lock").open("w")
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise RunLockedError(
                f"{folder}: another process is writing to this run; wait for it, or give another --out"
            ) from error

    @staticmethod
    def is_held(folder: Path) -> bool:
        """Whether another process writes to a run folder now."""
        try:
            with (folder / ".lock").open("r+") as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def release(self) -> None:
        self._file.close()
