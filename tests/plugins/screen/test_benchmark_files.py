"""Benchmarks that nothing may repeat are read like all other JSON lines."""

from pathlib import Path

import pytest

import sparq_core as sparq
from sparq_screen.decontaminate import Decontaminate, DecontaminateConfig


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("b.jsonl", b'{"q": ' + b"[" * 10_000, "line 1: is nested deeper"),
        ("b.jsonl", b"[1]", "line 1: is a list"),
        ("b.txt", "x y".encode("utf-16"), "is in UTF-16"),
        ("b.txt", b"caf\xe9", "line 1: holds the byte 0xe9"),
    ],
)
def test_a_benchmark_that_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    screen = Decontaminate(DecontaminateConfig(files=[str(tmp_path / name)]))
    with pytest.raises(sparq.PipelineError, match=said):
        screen.start(list)
