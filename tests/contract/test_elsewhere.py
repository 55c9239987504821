"""Seeds and models that a URL names: fetched whole, once, and again only where they are others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st
from runs import digest

import sparq_core as sparq
from sparq_core.contract.elsewhere import fetched, is_elsewhere, without_login
from sparq_core.pipeline.prepare import model_path
from sparq_core.testing import run_pipeline
from sparq_tiny import MODEL


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    return tmp_path / "cache" / "sparq" / "fetched"


def put(url: str, content: bytes) -> str:
    with fsspec.open(url, "wb") as file:
        file.write(content)
    return url


def test_a_file_is_fetched_once_and_again_where_it_is_another(cache: Path) -> None:
    url = put("memory://bucket/seeds.jsonl", b"one")
    first = fetched(url, "here")
    assert (first.name, first.read_bytes()) == ("seeds.jsonl", b"one")
    first.write_bytes(b"ours")
    assert fetched(url, "here").read_bytes() == b"ours", "it was fetched again"
    put(url, b"three")
    assert fetched(url, "here").read_bytes() == b"three"
    assert not list(cache.glob("*/.fetching-*"))


def test_a_folder_is_fetched_whole_or_not_at_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.json", "parts/1.safetensors", "parts/2.safetensors"):
        put(f"memory://bucket/model/{name}", name.encode())

    def broken(self: Any, path: str, to: str) -> None:
        if path.endswith("2.safetensors"):
            raise ConnectionError("reset by peer")
        real(self, path, to)

    real = MemoryFileSystem.get_file
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "get_file", broken)
        with pytest.raises(sparq.SparqError, match=r"memory://bucket/model: .*reset by peer"):
            fetched("memory://bucket/model", "here")
    assert not list(cache.glob("*/*"))
    copy = fetched("memory://bucket/model/", "here")
    assert {p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()} == {
        "config.json",
        "parts/1.safetensors",
        "parts/2.safetensors",
    }


def test_a_name_that_leads_out_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("memory://bucket/model/config.json", b"{}")
    hostile = {"/bucket/model/../../../evil": {"name": "/bucket/model/config.json", "size": 2, "type": "file"}}
    monkeypatch.setattr(MemoryFileSystem, "find", lambda *_, **__: hostile)
    with pytest.raises(sparq.PipelineError, match="leads out of the folder"):
        fetched("memory://bucket/model", "here")
    assert not list(cache.parent.parent.rglob("evil"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://bucket/nothing", "memory://bucket/nothing: there is no file or folder"),
        ("nosuch://me:secret@bucket/x", "nosuch://bucket/x: cannot be read: Protocol not known: nosuch"),
    ],
)
def test_what_cannot_be_fetched_is_told_with_its_place(
    sums: Callable[..., Any], tmp_path: Path, url: str, said: str
) -> None:
    pipeline = sums(steps=1)
    pipeline["plugins"][0]["with"]["path"] = url
    with pytest.raises(sparq.PipelineError) as caught:
        run_pipeline(pipeline, tmp_path)
    assert str(caught.value) == f"plugins[0].with.path: {said}"
    assert not (tmp_path / "run").exists()


def test_a_run_on_fetched_seeds_is_the_run_on_the_file(sums: Callable[..., Any], tmp_path: Path) -> None:
    here = sums(steps=2)
    there = sums(steps=2)
    seeds = Path(here["plugins"][0]["with"]["path"])
    there["plugins"][0]["with"]["path"] = put("memory://bucket/seeds.jsonl", seeds.read_bytes())
    assert digest(run_pipeline(there, tmp_path / "there")) == digest(run_pipeline(here, tmp_path / "here"))
    put("memory://bucket/seeds.jsonl", seeds.read_bytes() + b'{"problem": "What is 1 + 1?", "answer": "2"}\n')
    with pytest.raises(sparq.PipelineError, match=r"jsonl-seeds.*path"):
        run_pipeline(there | {"steps": 3}, tmp_path / "there", resume=True)


def test_a_model_is_fetched(tmp_path: Path) -> None:
    for path in MODEL.iterdir():
        put(f"memory://bucket/tiny/{path.name}", path.read_bytes())
    copy = Path(model_path("memory://bucket/tiny", tmp_path))
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == {p.name: p.read_bytes() for p in MODEL.iterdir()}
    assert model_path(f"file://{MODEL}", tmp_path) == str(MODEL)
    with pytest.raises(sparq.PipelineError, match="models: memory://bucket/tinny: there is no file or folder"):
        model_path("memory://bucket/tinny", tmp_path)


@given(st.text(), st.text())
def test_no_login_is_shown(name: str, password: str) -> None:
    if not {"/", "@"} & set(name + password):
        assert without_login(f"s3://{name}:{password}@bucket/a@b") == "s3://bucket/a@b"


def test_what_is_elsewhere() -> None:
    assert all(map(is_elsewhere, ("s3://a/b", "simplecache::s3://a", "https://x/y.jsonl")))
    assert not any(map(is_elsewhere, ("a/b.jsonl", "C:x", "file:///a", "local:///a", "./s3/a")))
