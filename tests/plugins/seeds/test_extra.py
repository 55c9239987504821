"""A row's other columns reach plugins as the problem's `extra`, as plain JSON."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_seeds import DatasetConfig, DatasetsSeeds, FileConfig, JsonlSeeds, ParquetSeeds
from sparq_seeds.plain import plain

ROW: dict[str, Any] = {"problem": "1 + 1?", "answer": "2", "solution": "2", "tests": [{"in": 1}], "source": "book"}
OTHERS = {"tests": [{"in": 1}], "source": "book"}


def jsonl(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def parquet(path: Path, *rows: dict[str, Any]) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return str(path)


def folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name


def of_jsonl(base: Path, row: dict[str, Any], **options: Any) -> list[sparq.Draft]:
    return list(JsonlSeeds(FileConfig(path=jsonl(base / "s.jsonl", row), **options)).load_seeds())


def of_parquet(base: Path, row: dict[str, Any], **options: Any) -> list[sparq.Draft]:
    return list(ParquetSeeds(FileConfig(path=parquet(base / "s.parquet", row), **options)).load_seeds())


def of_datasets(base: Path, row: dict[str, Any], **options: Any) -> list[sparq.Draft]:
    (base / "data").mkdir()
    parquet(base / "data" / "train.parquet", row)
    pipeline: Any = None
    run = sparq.Run(pipeline=pipeline, base=base, folder=None, models={})
    return list(DatasetsSeeds(DatasetConfig(dataset="data", **options)).load_seeds(run))


READERS = pytest.mark.parametrize("read", [of_jsonl, of_parquet, of_datasets])
Read = Callable[..., list[sparq.Draft]]


@READERS
def test_other_columns_are_kept(read: Read, tmp_path: Path) -> None:
    (seed,) = read(tmp_path, ROW)
    assert seed.extra == OTHERS


@READERS
@pytest.mark.parametrize(("extra", "expected"), [(["source"], {"source": "book"}), ([], {}), ("all", OTHERS)])
def test_an_option_says_which(read: Read, tmp_path: Path, extra: Any, expected: dict[str, Any]) -> None:
    (seed,) = read(tmp_path, ROW, extra=extra)
    assert seed.extra == expected


@READERS
def test_a_named_column_must_be_there(read: Read, tmp_path: Path) -> None:
    with pytest.raises(sparq.PipelineError, match=r"no column 'test'; it has .*tests.* by `extra:`"):
        read(tmp_path, ROW, extra=["test"])


@READERS
def test_large_columns_must_be_named(read: Read, tmp_path: Path) -> None:
    row = {**ROW, "scan": "x" * (2 << 20)}
    with pytest.raises(sparq.PipelineError, match=r"row 1|line 1.* 2\.0 MB, 'scan' is the largest; .*`extra:`"):
        read(folder(tmp_path, "all"), row)
    (seed,) = read(folder(tmp_path, "named"), row, extra=["scan"])
    assert len(seed.extra["scan"]) == 2 << 20


def test_columns_that_are_not_wanted_are_not_read(tmp_path: Path) -> None:
    row = {**ROW, "image": b"\xff\xd8"}
    with pytest.raises(
        sparq.PipelineError, match=r"row 1: column 'image' holds bytes that are no UTF-8 text; .*`extra"
    ):
        of_parquet(tmp_path, row)
    (seed,) = of_parquet(tmp_path, row, extra=["source"])
    assert seed.extra == {"source": "book"}


def test_a_first_row_that_cannot_be_kept_is_found_by_check(tmp_path: Path) -> None:
    path = parquet(tmp_path / "s.parquet", {**ROW, "image": b"\xff\xd8"})
    with pytest.raises(sparq.PipelineError, match="column 'image'"):
        ParquetSeeds(FileConfig(path=path)).check()


def test_a_seed_without_other_columns_is_as_it_was(tmp_path: Path) -> None:
    (seed,) = of_jsonl(tmp_path, {"problem": "1 + 1?", "answer": "2", "solution": "2"})
    assert seed == sparq.Draft(statement="1 + 1?", answer="2", solution="2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.datetime(2026, 1, 31, 12, 30, tzinfo=dt.UTC), "2026-01-31T12:30:00+00:00"),
        (dt.time(12, 30), "12:30:00"),
        (dt.timedelta(minutes=1), 60.0),
        (Decimal("1.20"), "1.20"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("é".encode(), "é"),
        (float("nan"), None),
        (float("-inf"), None),
        (np.float32("nan"), None),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.datetime64("2026-01-31"), "2026-01-31"),
        (np.array([[1, 2]]), [[1, 2]]),
        (2**70, 2**70),
        (True, True),
        (None, None),
        ("a\ud800b", "a�b"),
        ("\ud83d\ude00", "😀"),
        ({1: ("a", {"b": [float("inf")]})}, {"1": ["a", {"b": [None]}]}),
    ],
)
def test_values_become_plain_json(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    assert json.loads(json.dumps(found)) == found


def test_a_value_without_a_form_in_json_is_refused_with_place_and_remedy(tmp_path: Path) -> None:
    import sparq_seeds

    row = {**ROW, "image": object()}
    with pytest.raises(sparq.PipelineError, match=r"^d, row 3: column 'image' is of type object, .*`extra: \[\]`"):
        sparq_seeds.draft(("d, row 3", row), FileConfig(path="d"))


def test_a_deeply_nested_value_is_refused(tmp_path: Path) -> None:
    import sparq_seeds

    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(sparq.PipelineError, match="column 'x' is nested too deeply"):
        sparq_seeds.draft(("d, row 3", {**ROW, "x": deep}), FileConfig(path="d"))


def test_surrogates_in_the_texts_themselves_are_replaced(tmp_path: Path) -> None:
    (seed,) = of_jsonl(tmp_path, {"problem": "\ud800?", "answer": "\udfff", "solution": "\ud800"})
    assert (seed.statement, seed.answer, seed.solution) == ("�?", "�", "�")


def test_extra_is_in_the_ledger(sums: Callable[..., Any], seeds: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in seeds.read_text().splitlines()]
    jsonl(seeds, *({**row, "page": i} for i, row in enumerate(rows)))
    with run_pipeline(sums(steps=1), tmp_path / "x").read() as ledger:
        assert ledger.problems(["0.1.7"])[0].extra == {"page": 7}
