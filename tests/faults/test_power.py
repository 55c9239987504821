"""A power cut leaves what its model says."""

import os
from pathlib import Path
from random import Random

import pytest

from faults import Change
from faults.power import Disk, Luck, content_of

KEPT, LOST = Luck(1.0, 1.0), Luck(0.0, 0.0)


class Played:
    """A folder to which things are done, and what a cut leaves of it."""

    def __init__(self, folder: Path, **content: bytes) -> None:
        self._folder, self._content, self._changes = folder, content, list[Change]()

    def do(self, name: str, path: str, number: int = 0, data: bytes = b"", other: str | None = None) -> None:
        there = self._folder / "disk"
        self._changes.append(Change(name, there / path, there / other if other else None, number, data))

    def left(self, luck: Luck) -> dict[str, bytes]:
        to = self._folder / str(len(list(self._folder.iterdir())))
        to.mkdir()
        Disk(self._folder / "disk", self._content, self._changes).write(to, luck)
        return content_of(to)

    def lefts(self) -> list[dict[str, bytes]]:
        """What is left in many cuts."""
        return [self.left(Luck.drawn(Random(seed))) for seed in range(200)]


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path.resolve(), a=b"-" * 2000)


def test_what_was_not_synced_is_there_lost_or_torn_at_sectors(played: Played) -> None:
    played.do("pwrite", "a", 100, b"x" * 1000)
    assert played.left(LOST) == {"a": b"-" * 2000}
    assert played.left(KEPT) == {"a": b"-" * 100 + b"x" * 1000 + b"-" * 900}
    lefts = {left["a"] for left in played.lefts()}
    for at, end in ((100, 512), (512, 1024), (1024, 1100)):
        old, new = b"-" * (end - at), b"x" * (end - at)
        assert {old, new} < {left[at:end] for left in lefts}, "old, new, or garbage"
    assert {(left[:100], left[1100:]) for left in lefts} == {(b"-" * 100, b"-" * 900)}


def test_a_sync_of_the_file_keeps_what_was_written_before_it(played: Played) -> None:
    played.do("pwrite", "a", 0, b"x")
    played.do("fdatasync", "a")
    played.do("pwrite", "a", 1, b"y")
    assert {left["a"][:1] for left in played.lefts()} == {b"x"}
    assert {left["a"][1:2] for left in played.lefts()} >= {b"-", b"y"}


def test_a_length_may_be_lost_or_be_there_without_its_bytes(played: Played) -> None:
    played.do("pwrite", "a", 2000, b"x")
    assert {left["a"][2000:] for left in played.lefts()} >= {b"", b"\0", b"x"}
    played.do("fsync", "a")
    played.do("ftruncate", "a", 10)
    assert {len(left["a"]) for left in played.lefts()} == {10, 2001}


def test_names_survive_in_their_order(played: Played) -> None:
    played.do("open", "b", os.O_CREAT)
    played.do("write", "b", 0, b"new")
    played.do("fsync", "b")
    played.do("rename", "b", other="c")
    played.do("unlink", "a")
    assert {tuple(left) for left in played.lefts()} == {("a",), ("a", "b"), ("a", "c"), ("c",)}
    assert {left.get("c", left.get("b", b"new")) for left in played.lefts()} == {b"new"}
    played.do("fsync", "")
    assert played.left(LOST) == {"c": b"new"}


def test_a_file_that_was_renamed_before_it_was_synced_may_be_empty(played: Played) -> None:
    played.do("open", "b", os.O_CREAT)
    played.do("write", "b", 0, b"new")
    played.do("rename", "b", other="a")
    assert {left["a"] for left in played.lefts()} >= {b"-" * 2000, b"", b"\0\0\0", b"new"}
