"""
What a power cut leaves of a folder: the trace of a process is played up to the cut onto a disk that has not written all of it.

The model, stricter than any one file system:

- What was written to a file before its last fsync (or fdatasync) is there. Each later write is there, is lost, or is torn: of
  its 512-byte sectors, each is there, is lost or holds garbage. Within a file, nothing but a sync orders writes. Bytes beside
  those that were written stay as they were, which SQLite assumes of a disk, too ("powersafe overwrite").
- A file is as long as what is there of it. Where the end of a write that made it longer is lost, it may be longer nevertheless,
  and holds zeros; a cut to another length may be lost.
- Names belong to their folder. Creating, renaming, linking and removing since the folder's last fsync survive as a prefix of
  their order, each whole or not at all, and independently of other folders and of what the files hold: a name may be lost
  although its file was synced, and be there although its file is empty.

In the words of ALICE (Pillai et al., OSDI 2014), which describes a file system by what it tears and what it reorders: writes
are torn at sectors and reordered with all else, operations on names are atomic and in order within one folder. CrashMonkey
(Mohan et al., OSDI 2018) cuts right after a sync, where most faults show; `cuts.worst` cuts right after something was told. Not
in the model: names of one folder out of their order, disks that lie about a sync, and damage to what was synced.

SQLite's `-shm` is memory that processes share, made again by whoever opens the ledger first, so it is left out.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from faults import Change

SECTOR = 512
WRITES = {"write", "pwrite", "writev", "pwritev", "sendfile"}
SYNCS = {"fsync", "fdatasync"}


@dataclass(frozen=True)
class Luck:
    """What a cut does to all that was not synced."""

    written: float = 0.0
    """The share of changes to files that is there; by default the worst."""
    named: float = 0.0
    """Likewise of changes to names: all or nothing at the extremes, else any number of the first ones."""
    rng: Random = field(default_factory=lambda: Random(0))

    @staticmethod
    def drawn(rng: Random) -> "Luck":
        """Often an extreme: some faults show only where one change of many is there, or is not."""
        written, named = (rng.choice((0.0, 0.1, 0.5, 0.9, 1.0)) for _ in range(2))
        return Luck(written, named, rng)

    def is_kept(self) -> bool:
        """Whether a change to a file is on the disk."""
        return self.rng.random() < self.written

    def is_torn(self) -> bool:
        """Whether some of a write is on the disk and some is not."""
        return 0 < self.written < 1 and self.rng.random() < 0.3

    def left_of(self, sector: bytes) -> bytes | None:
        """What there is in a sector of a torn write: the new bytes, none of them, or garbage."""
        return self.rng.choice((sector, sector, None, None, self.rng.randbytes(len(sector))))

    def survive(self, changes: int) -> int:
        """How many of a folder's changes are on the disk."""
        return int(self.named * changes) if self.named in {0, 1} else self.rng.randint(0, changes)


class Write(NamedTuple):
    """Bytes that were written to a file."""

    offset: int
    data: bytes

    def onto(self, content: bytearray) -> None:
        end = self.offset + len(self.data)
        content.extend(bytes(max(0, end - len(content))))
        content[self.offset : end] = self.data

    def sectors(self) -> Iterable["Write"]:
        """Its part in each sector."""
        at, end = self.offset, self.offset + len(self.data)
        while at < end:
            until = min(end, (at // SECTOR + 1) * SECTOR)
            yield Write(at, self.data[at - self.offset : until - self.offset])
            at = until

    def left(self, content: bytearray, luck: Luck) -> None:
        """What a cut leaves of it."""
        if luck.is_torn():
            for sector in self.sectors():
                if data := luck.left_of(sector.data):
                    Write(sector.offset, data).onto(content)
        elif luck.is_kept():
            self.onto(content)
        elif luck.is_kept():  # its bytes are lost, its length is not
            content.extend(bytes(max(0, self.offset + len(self.data) - len(content))))


class Length(NamedTuple):
    """A length that a file was given."""

    size: int

    def onto(self, content: bytearray) -> None:
        del content[self.size :]
        content.extend(bytes(self.size - len(content)))

    def left(self, content: bytearray, luck: Luck) -> None:
        if luck.is_kept():
            self.onto(content)


@dataclass
class File:
    """What is on the disk for sure, and what was done since."""

    synced: bytearray = field(default_factory=bytearray)
    later: list[Write | Length] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.later:
            change.onto(self.synced)
        self.later.clear()

    def left(self, luck: Luck) -> bytes:
        """Its content after a cut."""
        content = bytearray(self.synced)
        for change in self.later:
            change.left(content, luck)
        return bytes(content)


class Naming(NamedTuple):
    """A name that went, a name that came, or both at once."""

    gone: str | None
    come: str | None = None
    node: "File | Folder | None" = None

    def onto(self, names: dict[str, "File | Folder"]) -> None:
        if self.gone is not None:
            del names[self.gone]
        if self.come is not None and self.node is not None:
            names[self.come] = self.node


@dataclass
class Folder:
    """The names that are on the disk for sure, those that processes see, and how these came to differ."""

    synced: dict[str, "File | Folder"] = field(default_factory=dict)
    now: dict[str, "File | Folder"] = field(default_factory=dict)
    later: list[Naming] = field(default_factory=list)

    def name(self, naming: Naming) -> None:
        naming.onto(self.now)
        self.later.append(naming)

    def sync(self) -> None:
        self.synced = dict(self.now)
        self.later.clear()

    def left(self, luck: Luck) -> dict[str, "File | Folder"]:
        """Its names after a cut."""
        names = dict(self.synced)
        for naming in self.later[: luck.survive(len(self.later))]:
            naming.onto(names)
        return names


class Disk:
    """A folder as it was, all of it synced, and what a trace did to it since."""

    def __init__(self, place: Path, content: Mapping[str, bytes], played: Iterable[Change] = ()) -> None:
        self._place, self._root = place.resolve(), Folder()
        for name, data in content.items():
            self._folder_of(self._place / name, make=True).now[Path(name).name] = File(bytearray(data))
        self._sync_all(self._root)
        for change in played:
            self._play(change)

    def write(self, to: Path, luck: Luck) -> None:
        """The folder after a cut, into an empty one."""
        _write(self._root, to, lambda folder: folder.left(luck), lambda file: file.left(luck))

    def write_uncut(self, to: Path) -> None:
        """The folder without a cut, as processes see it."""
        self._sync_all(self._root)
        _write(self._root, to, lambda folder: folder.now, lambda file: bytes(file.synced))

    def _sync_all(self, folder: Folder) -> None:
        folder.sync()
        for node in folder.now.values():
            if isinstance(node, Folder):
                self._sync_all(node)
            else:
                node.sync()

    def _play(self, change: Change) -> None:
        name, path = change.name, change.path
        if path.name.endswith(("-shm", " (deleted)")):
            return
        if name == "open":
            self._open(path, change.number)
        elif name in WRITES:
            self._file(path).later.append(Write(change.number, change.data))
        elif name == "ftruncate":
            self._file(path).later.append(Length(change.number))
        elif name in SYNCS:
            self._node(path).sync()
        else:
            self._rename(change)

    def _open(self, path: Path, flags: int) -> None:
        there = self._folder_of(path).now.get(path.name)
        if there is None:
            self._folder_of(path).name(Naming(None, path.name, File()))
        elif flags & os.O_TRUNC and isinstance(there, File):
            there.later.append(Length(0))

    def _rename(self, change: Change) -> None:
        path, folder = change.path, self._folder_of(change.path)
        if change.name == "mkdir":
            folder.name(Naming(None, path.name, Folder()))
        elif change.name in {"unlink", "rmdir"}:
            folder.name(Naming(path.name))
        elif change.name == "rename" and change.other and change.other.parent == path.parent:
            folder.name(Naming(path.name, change.other.name, self._node(path)))
        elif change.name == "link" and change.other:
            self._folder_of(change.other).name(Naming(None, change.other.name, self._node(path)))
        else:
            raise NotImplementedError(f"{change.name} {path} {change.other}")

    def _file(self, path: Path) -> File:
        node = self._node(path)
        assert isinstance(node, File), path
        return node

    def _node(self, path: Path) -> File | Folder:
        return self._root if path == self._place else self._folder_of(path).now[path.name]

    def _folder_of(self, path: Path, *, make: bool = False) -> Folder:
        folder = self._root
        for part in path.parent.relative_to(self._place).parts:
            node = folder.now.setdefault(part, Folder()) if make else folder.now[part]
            assert isinstance(node, Folder), path
            folder = node
        return folder


def _write(
    folder: Folder, to: Path, names: Callable[[Folder], Mapping[str, File | Folder]], content: Callable[[File], bytes]
) -> None:
    for name, node in names(folder).items():
        if isinstance(node, Folder):
            (to / name).mkdir()
            _write(node, to / name, names, content)
        else:
            (to / name).write_bytes(content(node))


def content_of(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by name; SQLite's shared memory is none."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }
