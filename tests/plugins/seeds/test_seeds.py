"""Seeds from wherever people keep them."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.contract.config import Pipeline
from sparq_seeds import DatasetConfig, DatasetsSeeds, FileConfig, JsonlSeeds, ParquetSeeds

ROWS: list[dict[str, Any]] = [
    {"problem": "1 + 1?", "answer": 2, "solution": "1 + 1 = 2"},
    {"problem": " 2 + 2? ", "answer": "4"},
]


def run(base: Path) -> sparq.Run:
    model = {"use": "scripted", "model": "x"}
    import msgspec

    pipeline = msgspec.convert({"name": "x", "steps": 1, "models": {"m": model}, "plugins": [{"use": "x"}]}, Pipeline)
    return sparq.Run(pipeline=pipeline, base=base, folder=None, models={})


def jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def statements(drafts: Iterable[sparq.Draft]) -> list[tuple[str, str | None, str]]:
    return [(d.statement, d.answer, d.solution) for d in drafts]


EXPECTED = [("1 + 1?", "2", "1 + 1 = 2"), ("2 + 2?", "4", "")]


def test_jsonl(tmp_path: Path) -> None:
    plugin = JsonlSeeds(FileConfig(path=str(jsonl(tmp_path / "s.jsonl", ROWS))))
    assert plugin.check() == []
    assert statements(plugin.load_seeds()) == EXPECTED


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{**row, "answer": str(row["answer"])} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "s.parquet")
    plugin = ParquetSeeds(FileConfig(path=str(tmp_path / "s.parquet")))
    assert plugin.check() == []
    assert statements(plugin.load_seeds()) == EXPECTED


def test_datasets_from_a_local_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    jsonl(tmp_path / "data" / "train.jsonl", [{**row, "answer": str(row["answer"])} for row in ROWS])
    plugin = DatasetsSeeds(DatasetConfig(dataset="data"))
    assert statements(plugin.load_seeds(run(tmp_path))) == EXPECTED


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "s.jsonl", [{"q": "1?", "gold": 1, "cot": "one"}])
    plugin = JsonlSeeds(FileConfig(path=str(path), problem="q", answer="gold", solution="cot"))
    assert statements(plugin.load_seeds()) == [("1?", "1", "one")]


def test_limit_takes_the_first_rows(tmp_path: Path) -> None:
    plugin = JsonlSeeds(FileConfig(path=str(jsonl(tmp_path / "s.jsonl", ROWS)), limit=1))
    assert len(list(plugin.load_seeds())) == 1


SUBJECTS = 7
MANY = [{"problem": f"{i}?", "answer": str(i * SUBJECTS // 7_500)} for i in range(7_500)]
"""As many as MATH has to train on, sorted by subject; the answer says which."""


def sampled(kind: str, base: Path, **options: Any) -> list[sparq.Draft]:
    """What a reader takes of them."""
    if kind == "jsonl":
        return list(JsonlSeeds(FileConfig(path=str(jsonl(base / "s.jsonl", MANY)), **options)).load_seeds())
    (base / "data").mkdir(exist_ok=True)
    if kind == "datasets":
        jsonl(base / "data" / "train.jsonl", MANY)
        return list(DatasetsSeeds(DatasetConfig(dataset="data", **options)).load_seeds(run(base)))
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(MANY), base / "s.parquet")
    return list(ParquetSeeds(FileConfig(path=str(base / "s.parquet"), **options)).load_seeds())


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "datasets"])
def test_a_sample_is_of_all_subjects_and_the_same_each_time(kind: str, tmp_path: Path) -> None:
    first, again, other = (sampled(kind, tmp_path, limit=700, sample=number) for number in (7, 7, 8))
    assert first == again
    assert len(first) == len({seed.statement for seed in first}) == len(other) == 700
    assert len({s.statement for s in first} & {s.statement for s in other}) < 140
    of_subjects = Counter(seed.answer for seed in first)
    assert len(of_subjects) == SUBJECTS
    assert min(of_subjects.values()) > 60
    numbers = [int(seed.statement.rstrip("?")) for seed in first]
    assert numbers == sorted(numbers)


def test_all_readers_take_the_same_sample(tmp_path: Path) -> None:
    one, two, three = (statements(sampled(k, tmp_path, limit=9, sample=0)) for k in ("jsonl", "parquet", "datasets"))
    assert one == two == three


def test_a_sample_of_more_than_there_are_is_all(tmp_path: Path) -> None:
    assert [d.statement for d in sampled("jsonl", tmp_path, limit=9_999, sample=1)] == [r["problem"] for r in MANY]


def test_a_sample_wants_a_limit() -> None:
    with pytest.raises(ValueError, match="also set `limit`"):
        FileConfig(path="s.jsonl", sample=1)


def test_a_sample_reads_blank_lines_as_no_rows_and_still_finds_malformed_ones(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "s.jsonl", ROWS)
    path.write_text("\n" + path.read_text() + "\n\n")
    plugin = JsonlSeeds(FileConfig(path=str(path), limit=2, sample=3))
    assert statements(plugin.load_seeds()) == EXPECTED
    path.write_text(path.read_text() + "{")
    with pytest.raises(sparq.PipelineError, match="line 6: is not JSON"):
        plugin.check()


def test_answers_are_read_from_solutions(tmp_path: Path) -> None:
    rows = [
        {"problem": "a?", "answer": "so 3 #### 3"},
        {"problem": "b?", "answer": r"\boxed{4}"},
        {"problem": "c?", "answer": "5"},
    ]
    plugin = JsonlSeeds(FileConfig(path=str(jsonl(tmp_path / "s.jsonl", rows)), extract_answer=True))
    assert [(d.answer, d.unparsed) for d in plugin.load_seeds()] == [("3", ""), ("4", ""), (None, "no final answer")]


def test_an_empty_statement_is_a_rejection_with_its_reason(tmp_path: Path) -> None:
    plugin = JsonlSeeds(FileConfig(path=str(jsonl(tmp_path / "s.jsonl", [{"problem": "  ", "answer": "1"}]))))
    assert [d.unparsed for d in plugin.load_seeds()] == ["empty statement"]


def test_a_missing_answer_is_no_answer(tmp_path: Path) -> None:
    plugin = JsonlSeeds(FileConfig(path=str(jsonl(tmp_path / "s.jsonl", [{"problem": "x", "answer": None}]))))
    assert [d.answer for d in plugin.load_seeds()] == [None]


def test_parquet_without_the_column_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"question": ["x"]}), tmp_path / "s.parquet")
    with pytest.raises(sparq.PipelineError, match="no column 'problem'; it has question"):
        ParquetSeeds(FileConfig(path=str(tmp_path / "s.parquet"))).check()


@pytest.mark.parametrize("data", [b"", b"problem,answer\n1,2\n", b"PAR1" + bytes(50) + b"PAR1"])
def test_what_is_no_parquet_is_refused_with_the_remedy(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "s.parquet").write_bytes(data)
    seeds = ParquetSeeds(FileConfig(path=str(tmp_path / "s.parquet"), limit=1, sample=1))
    for read in (seeds.check, lambda: list(seeds.load_seeds())):
        with pytest.raises(sparq.PipelineError, match=r"cannot be read as Parquet: .*`jsonl-seeds`"):
            read()
