"""What the operating system, SQLite or an encoding refuses, told in one line with its remedy."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sparq_core.contract.errors import RunLockedError, SparqError
from sparq_core.contract.messages import raised

WRONG_COMMAND, RESUMABLE = 2, 4
SPACE = "free some space there, or use a folder elsewhere"
RIGHTS = "change the permissions, or use a folder elsewhere"
DISK = "the disk or its network connection failed: see the system's log, and copy the folder elsewhere"
FILES = "too many files are open at once: raise the limit (ulimit -n), or reduce in_flight"
MEMORY = "reduce in_flight or batch, or use a machine with more memory"
PATH = "check the spelling, and whether it is a file or a folder"
PROCESSES = "too many processes or threads: raise the limit (ulimit -u), or reduce in_flight"
LEDGER = "another program is using the ledger: close it"
DAMAGED = "`sparq doctor RUN` shows what is damaged and what can be recovered"

OF_THE_MACHINE = {
    errno.ENOSPC: SPACE,
    errno.EDQUOT: SPACE,
    errno.EFBIG: "raise the limit on file sizes (ulimit -f)",
    errno.EROFS: RIGHTS,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
    errno.EIO: DISK,
    errno.ESTALE: DISK,
    errno.ENODEV: DISK,
    errno.ENOMEM: MEMORY,
    errno.EAGAIN: PROCESSES,
    errno.ENOLCK: "this file system has no locks left, or none at all: use a folder on a local disk",
}
"""Remedies of what no program can help, be it ours or a plugin."""
OF_A_PATH = {
    errno.EACCES: RIGHTS,
    errno.EPERM: RIGHTS,
    errno.ENOENT: PATH,
    errno.ENOTDIR: PATH,
    errno.EISDIR: PATH,
    errno.ELOOP: PATH,
    errno.ENAMETOOLONG: "give a shorter name",
}
"""Remedies where a path that we were given cannot be used as it was to be."""
OF_SQLITE = {
    sqlite3.SQLITE_FULL: f"the disk, or the one for temporary files, is full ({SPACE}, or set TMPDIR)",
    sqlite3.SQLITE_IOERR: f"the disk is full or failing, or the file size limit is reached (ulimit -f); {SPACE}",
    sqlite3.SQLITE_CANTOPEN: "check the permissions of the file and its folder, and the limit on open files (ulimit -n)",
    sqlite3.SQLITE_READONLY: RIGHTS,
    sqlite3.SQLITE_PERM: RIGHTS,
    sqlite3.SQLITE_BUSY: LEDGER,
    sqlite3.SQLITE_LOCKED: LEDGER,
    sqlite3.SQLITE_PROTOCOL: LEDGER,
    sqlite3.SQLITE_NOMEM: MEMORY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
"""Remedies by SQLite's primary result codes, the last eight bits of a code."""


class RefusedError(SparqError):
    """The machine refuses something; `exit_code` says whether there is a run to go on with."""


class Fault(NamedTuple):
    """A refusal in words."""

    what: str
    remedy: str
    is_paths: bool = False
    """Whether it may be a mistake of whoever gave a path or a file."""


def fault_of(error: BaseException) -> Fault | None:
    """What an error comes to that no code of ours has told; None where it is a bug."""
    match error:
        case sqlite3.Error():
            remedy = OF_SQLITE.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)
            return Fault(f"the ledger: {error}", remedy) if remedy else None
        case OSError():
            return _of_system(error)
        case UnicodeDecodeError():
            return Fault(f"a file that is read as text is not in UTF-8 ({error})", "save it as UTF-8", is_paths=True)
        case UnicodeEncodeError():
            return Fault(f"a text cannot be written: {error}", "--debug shows where it comes from")
    others = (
        (MemoryError, "", Fault("out of memory", MEMORY)),
        (RuntimeError, "can't start new thread", Fault("cannot start a thread", PROCESSES)),
    )
    return next((fault for kind, text, fault in others if isinstance(error, kind) and text in raised(error)), None)


def _of_system(error: OSError) -> Fault | None:
    if "temporary directory" in raised(error):
        return Fault("no writable folder for temporary files", f"{SPACE} by setting TMPDIR")
    what = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    if remedy := OF_THE_MACHINE.get(error.errno or 0):
        return Fault(what, remedy, is_paths=error.errno == errno.EROFS)
    remedy = OF_A_PATH.get(error.errno or 0)
    return Fault(what, remedy, is_paths=True) if remedy and error.filename else None


def _beneath(error: SparqError) -> Fault | None:
    """What the machine refused to whoever tells of it, a plugin above all; a path that is wrong would be the plugin's bug."""
    cause = error.__cause__
    while isinstance(cause, SparqError):
        cause = cause.__cause__
    fault = fault_of(cause) if cause else None
    return None if fault is None or (fault.is_paths and not _is_of_machine(cause)) else fault


def _is_of_machine(cause: BaseException | None) -> bool:
    return isinstance(cause, OSError) and cause.errno in OF_THE_MACHINE


def refused(error: Exception, code: int | None = None) -> RefusedError | None:
    """What to tell of an error, with an exit code that it is given or else has of its own; None where it is no such fault."""
    if isinstance(error, RefusedError | RunLockedError):
        return error if isinstance(error, RefusedError) else None
    fault = _beneath(error) if isinstance(error, SparqError) else fault_of(error)
    if fault is None:
        return None
    told = str(error) if isinstance(error, SparqError) else fault.what
    found = RefusedError(told if fault.remedy in told else f"{told}; {fault.remedy}")
    own = (
        error.exit_code
        if isinstance(error, SparqError)
        else WRONG_COMMAND
        if fault.is_paths
        else RefusedError.exit_code
    )
    found.exit_code = own if code is None else code
    return found


@contextmanager
def told(folder: Path, begun: Callable[[Path], bool], remedy: str) -> Iterator[None]:
    """Where the machine refuses something: whether `folder` holds what can be gone on with, and how to."""
    try:
        yield
    except Exception as error:
        there = _is_there(folder, begun)
        found = refused(error, RESUMABLE if there else WRONG_COMMAND)
        if found is None:
            raise
        found.add_note(f"committed steps are in {folder}. {remedy}" if there else "nothing was started")
        raise found from error


def _is_there(folder: Path, begun: Callable[[Path], bool]) -> bool:
    try:
        return begun(folder)
    except OSError:
        return os.path.lexists(folder)
