"""
The file beside a ledger that holds the plugins' state after some step, so that a resumed run need not replay what came before.

It is a cache: where it is missing, damaged or of another run, everything is replayed, to the same end.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from sparq_core.ledger.files import PARTIAL, sync
from sparq_core.ledger.reader import Reader

FILE = "checkpoint.zip"
ABOUT = "about.json"
"""The entry that is written last: a file without it is not whole."""


class Checkpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What state it is that a checkpoint holds."""

    identity: str
    """Of the run and the plugins' versions."""
    round: int
    step: int
    """The last one that `commit` was told of."""
    admitted: int
    """The last step of that round whose children `admit` was told of."""
    children: int
    """Of the run, after `step`."""
    until: tuple[int, int]
    """The round and step with which all these steps were committed, and from which on a run can be resumed from here."""
    digest: str
    """Of the run after that."""
    plugins: Sequence[str]
    """Whose state there is; each has an entry with its number as the name."""


class Unusable(Exception):  # noqa: N818 -- what the file is, rather than what went wrong
    """Why a checkpoint cannot be used."""


def clear(folder: Path) -> None:
    """Take away what a killed process has left half written."""
    (folder / (FILE + PARTIAL)).unlink(missing_ok=True)


class Writing:
    """A checkpoint that is being written; it is there once it is closed."""

    def __init__(self, folder: Path, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self._path, self._partial = folder / FILE, folder / (FILE + PARTIAL)
        self._zip = zipfile.ZipFile(self._partial, "x")

    def write(self, save: Callable[[str, IO[bytes]], None]) -> None:
        """Let each plugin save its state."""
        for i, plugin in enumerate(self.checkpoint.plugins):
            with self._zip.open(str(i), "w", force_zip64=True) as file:
                save(plugin, file)

    def close(self, checkpoint: Checkpoint) -> None:
        """Put it in its place."""
        self._zip.writestr(ABOUT, msgspec.json.encode(checkpoint))
        self._zip.close()
        sync(self._partial)
        self._partial.replace(self._path)
        sync(self._path.parent)

    def drop(self) -> None:
        """Leave nothing of it."""
        with suppress(OSError):  # of a disk that is full, where an error is on its way already
            self._zip.close()
        self._partial.unlink(missing_ok=True)


class Opened:
    """A checkpoint that was found whole."""

    def __init__(self, file: zipfile.ZipFile, checkpoint: Checkpoint) -> None:
        self._zip, self.checkpoint = file, checkpoint

    def read(self, load: Callable[[str, IO[bytes]], None]) -> None:
        """Let each plugin load its state."""
        for i, plugin in enumerate(self.checkpoint.plugins):
            with self._zip.open(str(i)) as file:
                load(plugin, file)


@contextmanager
def opened(folder: Path, ledger: Reader) -> Iterator[Opened | None]:
    """The checkpoint of a ledger's run, None where there is none; Unusable where it is damaged or of other steps."""
    try:
        file = zipfile.ZipFile(folder / FILE)
    except FileNotFoundError:
        yield None
        return
    except (OSError, zipfile.BadZipFile) as error:
        raise Unusable(f"cannot be read: {error}") from error
    with file:
        checkpoint = _about(file)
        _check(checkpoint, ledger)
        yield Opened(file, checkpoint)


def _about(file: zipfile.ZipFile) -> Checkpoint:
    try:
        damaged = file.testzip()
        checkpoint = msgspec.json.decode(file.read(ABOUT), type=Checkpoint)
        whole = damaged is None and {ABOUT, *map(str, range(len(checkpoint.plugins)))} == set(file.namelist())
    except Exception as error:  # a damaged archive raises anything from KeyError to NotImplementedError
        raise Unusable(f"cannot be read: {error}") from error
    if not whole:
        raise Unusable("is damaged")
    return checkpoint


def _check(checkpoint: Checkpoint, ledger: Reader) -> None:
    digest = next(ledger.query("SELECT digest FROM step WHERE (round, step) = (?, ?)", *checkpoint.until), None)
    if digest != (checkpoint.digest,) or (checkpoint.round, checkpoint.step) > checkpoint.until:
        raise Unusable("is of other steps than the ledger's")
