"""Exports to what fsspec knows: in memory, and on a disk that may fail."""

import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from runs import rows, sparq_command

from sparq_core.contract.elsewhere import without_login
from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.publish import export as here
from sparq_core.publish.export import Order
from sparq_core.publish.places import UNFINISHED, export


class Failing(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A local disk under a protocol of its own, which refuses to open any file after so many for writing."""

    protocol = "failing"
    cachable = False
    left = 10**6

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        if "w" in mode:
            if not Failing.left:
                raise PermissionError("403: no credit left")
            Failing.left -= 1
        return super().open(path, mode, **more)

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix("failing://"))


@pytest.fixture(autouse=True)
def _stores(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec.register_implementation("failing", Failing, clobber=True)
    monkeypatch.setattr(Failing, "left", 10**6)
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


def place(kind: str, tmp_path: Path, name: str) -> str:
    return f"memory://bucket/{name}" if kind == "memory" else f"failing://{tmp_path}/store/{name}"


def found(kind: str, tmp_path: Path) -> dict[str, bytes]:
    """All files of a store by their names from its root."""
    if kind == "memory":
        return {name.removeprefix("/bucket/"): file.getvalue() for name, file in MemoryFileSystem.store.items()}
    root = tmp_path / "store"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


KINDS = pytest.mark.parametrize("kind", ["memory", "disk"])


@KINDS
@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet", "sub/out", "v1.0/"])
def test_what_is_sent_is_what_is_written_here(run_folder: Path, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "store" / "sub").mkdir(parents=True)
    order = Order(runs=[run_folder], kind="jsonl" if "jsonl" in name else "parquet", shard_rows=200)
    (tmp_path / "here" / "sub").mkdir(parents=True)
    here.export(order, f"{tmp_path}/here/{name}")
    for _ in range(2):
        done = export(order, place(kind, tmp_path, name))
    root = tmp_path / "here"
    local = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert found(kind, tmp_path) == local
    assert len(local) == (2 if "out." in name else 4)
    assert done.place.endswith(name.rstrip("/"))


def test_a_folder_that_was_not_sent_whole_is_marked_and_sent_again(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "disk"
    (tmp_path / "store").mkdir()
    to, order = place(kind, tmp_path, "out"), Order(runs=[run_folder], kind="jsonl", shard_rows=200)
    export(order, to)
    whole = found(kind, tmp_path)
    for allowed in range(len(whole) + 1):
        monkeypatch.setattr(Failing, "left", allowed)
        with pytest.raises(SparqError, match="403: no credit left"):
            export(order, to)
        there = found(kind, tmp_path)
        assert there == whole if not allowed else f"out/{UNFINISHED}" in there
        monkeypatch.setattr(Failing, "left", 10**6)
        export(order, to)
        assert found(kind, tmp_path) == whole


@KINDS
@pytest.mark.parametrize("mine", ["out/notes.txt", "out/README.md", "out.jsonl", "out.jsonl.card.md"])
def test_nothing_but_an_earlier_export_is_replaced(run_folder: Path, tmp_path: Path, kind: str, mine: str) -> None:
    (tmp_path / "store" / "out").mkdir(parents=True)
    fs, path = fsspec.core.url_to_fs(place(kind, tmp_path, mine))
    fs.makedirs(path.rpartition("/")[0], exist_ok=True)
    with fs.open(path, "wb") as file:
        file.write(b"mine")
    to = place(kind, tmp_path, mine.removesuffix(".card.md") if "jsonl" in mine else "out/")
    with pytest.raises(PipelineError, match="choose another --to"):
        export(Order(runs=[run_folder]), to)
    assert found(kind, tmp_path) == {mine: b"mine"}


def test_a_url_of_this_machine_is_a_path(run_folder: Path, tmp_path: Path) -> None:
    export(Order(runs=[run_folder]), f"file://{tmp_path}/out.jsonl")
    assert rows(tmp_path / "out.jsonl")
    with pytest.raises(PipelineError, match="belongs to a run"):
        export(Order(runs=[run_folder]), f"file://{run_folder}/sparq.db")


def test_a_store_that_is_not_known_is_told_without_the_login(run_folder: Path) -> None:
    told = sparq_command("export", str(run_folder), "--to", "nowhere://me:secret@host/out", code=2)
    assert "nowhere://host/out: cannot be written to" in told
    assert "secret" not in told
    assert without_login("s3://bucket/a@b") == "s3://bucket/a@b"


def test_the_command_says_how_to_load_what_was_sent(run_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(run_folder, tmp_path / "run"))
    told = sparq_command("export", str(folder), "--to", "memory://bucket/out")
    assert "rows in memory://bucket/out, described in memory://bucket/out/README.md" in told
    assert "load_dataset('parquet', data_files='memory://bucket/out/data/*.parquet')" in told
