"""Files are whole or as they were."""

import errno
import os
from pathlib import Path

import pytest

import sparq_core as sparq
from sparq_core.contract.errors import RunLockedError
from sparq_core.ledger.files import copy_all, make_folder, sync, sync_all, whole


def test_a_file_is_as_it_was_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    with whole(path) as partial:
        partial.write_text("first")
        assert not path.exists()
    with pytest.raises(IsADirectoryError), whole(path):
        tmp_path.write_text("second")
    assert path.read_text() == "first"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_what_a_killed_process_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_text("much longer than what comes now")
    with whole(tmp_path / "file") as partial:
        assert not partial.read_bytes()
        partial.write_text("now")
    assert (tmp_path / "file").read_text() == "now"


def test_two_do_not_write_one_file_at_once(tmp_path: Path) -> None:
    with whole(tmp_path / "file") as partial:
        with pytest.raises(RunLockedError, match="another process is writing this"), whole(tmp_path / "file"):
            pass
        partial.write_text("one")
    assert (tmp_path / "file").read_text() == "one"


def test_a_link_beside_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "file.partial").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic"), whole(tmp_path / "file"):
        pass
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, fsync, replace = list[str](), os.fsync, Path.replace

    def noted(descriptor: int) -> None:
        calls.append("fsync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> None:
        calls.append(f"rename {path.name}")
        replace(path, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "replace", renamed)
    with whole(tmp_path / "in" / "file") as partial:
        partial.write_text("x")
    assert calls == [f"fsync {tmp_path.name}", "fsync file.partial", "rename file.partial", "fsync in"]
    calls.clear()
    sync_all(tmp_path)
    assert set(calls) == {"fsync file", "fsync in", f"fsync {tmp_path.name}"}
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "none")


def test_a_folder_that_may_not_be_listed_takes_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refused(path: Path, *how: int) -> int:
        if path == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *how)

    monkeypatch.setattr(os, "open", refused)  # tests may be run by root, to whom nothing is forbidden
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_what_cannot_be_copied_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "from" / "in").mkdir(parents=True)
    (tmp_path / "from" / "in" / "file").write_text("x")

    def refuse(_: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error", str(target))

    copy_all(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to" / "in" / "file").read_text() == "x"
    with pytest.raises(OSError, match="Input/output error") as refused:
        copy_all(tmp_path / "from", tmp_path / "there", refuse)
    assert refused.value.errno == errno.EIO  # by which the command knows the remedy


def test_plugins_may_write_so_too(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with (
        pytest.raises(sparq.PipelineError, match="choose another --out"),
        sparq.output(tmp_path / "mine", "--out", ["a"]),
    ):
        pass
    for _ in range(2):
        with sparq.output(tmp_path / "table", "--out", ["a"]) as partial:
            partial.write_text('{"a": 1}\n')
    assert (tmp_path / "table").read_text() == '{"a": 1}\n'
