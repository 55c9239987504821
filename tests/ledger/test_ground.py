"""A place that cannot hold a ledger is known before a run is begun there."""

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from sparq_core.ledger import ground, storage


def test_a_local_disk_is_sound_and_nothing_stays_there(tmp_path: Path) -> None:
    assert ground.findings(tmp_path / "runs" / "mine") == []
    assert list(tmp_path.iterdir()) == []


def test_a_network_file_system_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "file_system", lambda folder: "nfs4")
    (found,) = ground.findings(tmp_path)
    assert found.level == "warning"
    assert "on nfs4 a ledger cannot be read while it is written" in found.message


def test_locks_that_do_not_hold_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    (found,) = ground.findings(tmp_path)
    assert found.level == "error"
    assert "two runs could write to one ledger" in found.message
    assert found.place == f"run folder {tmp_path}"


def test_transactions_that_do_not_hold_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_durable = storage.make_durable

    def without_locks(connection: Any, folder: Path) -> str | None:
        slower = make_durable(connection, folder)
        if (folder / storage.DATABASE).exists():
            (folder / storage.DATABASE).rename(folder / "elsewhere")  # the other process opens another file
            storage.create(folder / storage.DATABASE).close()
        return slower

    monkeypatch.setattr(storage, "make_durable", without_locks)
    (found,) = ground.findings(tmp_path)
    assert "two processes can write to one SQLite file at once" in found.message


def test_a_disk_that_refuses_to_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fails)
    (found,) = ground.findings(tmp_path)
    assert "a ledger cannot be kept here" in found.message
    assert list(tmp_path.iterdir()) == []


def test_where_nobody_may_write_nothing_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(ground, "TemporaryDirectory", refuses)
    assert ground.findings(tmp_path) == []
