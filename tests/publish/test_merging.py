"""Several runs in one dataset, and datasets in several files."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import rows, sparq_command

from sparq_core.contract.errors import PipelineError
from sparq_core.ledger import dataset
from sparq_core.ledger.dataset_columns import Column, Kind
from sparq_core.publish.export import Exported, Order, export
from sparq_core.publish.merging import common_columns
from sparq_core.testing import run_pipeline

Runs = dict[str, Path]
PLAIN = {pa.string(), pa.int64(), pa.float64(), pa.bool_()}
"""What every release of Arrow reads."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Two runs of a pipeline by seed, one of whose problems some are the same, and one that describes nothing."""
    return {name: _run(tmp_path_factory.mktemp(name), seed, uses) for name, seed, uses in SOME}


SKILLED = ("static-uniform", "mutate", "sympy", "skills")
SOME = (("one", 1, SKILLED), ("two", 2, SKILLED), ("plain", 3, ("static-uniform", "mutate", "sympy")))


def _run(folder: Path, seed: int, uses: tuple[str, ...]) -> Path:
    (folder / "seeds.jsonl").write_text('{"problem": "What is 12 + 7?", "answer": "19"}\n')
    pipeline = {
        "name": "sums",
        "seed": seed,
        "steps": 12,
        "batch": 6,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8},
        "plugins": [{"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}}, *({"use": use} for use in uses)],
    }
    return run_pipeline(pipeline, folder).folder


def merged(runs: list[Path], to: Path, **how: Any) -> tuple[Exported, list[dict[str, Any]]]:
    done = export(Order(runs=runs, **how), str(to))
    return done, rows(to)


def test_no_problem_is_there_twice_and_the_first_run_keeps_it(runs: Runs, tmp_path: Path) -> None:
    _, first = merged([runs["one"]], tmp_path / "one.jsonl")
    _, second = merged([runs["two"]], tmp_path / "two.jsonl")
    done, both = merged([runs["one"], runs["two"]], tmp_path / "both.jsonl")
    origins = dict.fromkeys(row["origin"] for row in both)
    assert [origin.partition("-")[0] for origin in origins] == ["sums", "sums"]
    asked: dict[str, set[tuple[str, str]]] = {}
    for row in both:
        asked.setdefault(row["problem"], set()).add((row["origin"], row["id"].partition("/")[0]))
    assert all(len(places) == 1 for places in asked.values())
    assert asked.keys() == {row["problem"] for row in [*first, *second]}
    ids = [{row["id"].partition("/")[0] for row in some} for some in (first, second)]
    assert done.turned_away == len(ids[0]) + len(ids[1]) - len(asked) > 0
    common = {row["problem"] for row in first} & {row["problem"] for row in second}
    assert common
    assert all(next(iter(asked[problem]))[0] == next(iter(origins)) for problem in common)


def test_what_was_left_out_is_counted_on_the_card(runs: Runs, tmp_path: Path) -> None:
    done, both = merged([runs["one"], runs["two"]], tmp_path / "both.jsonl")
    assert done.card
    text = Path(done.card).read_text()
    told = [line for line in text.splitlines() if "came first: `duplicate`" in line]
    assert sum(int(line.split("|")[2]) for line in told) == done.turned_away
    assert f"{len(both)} solutions of " in text


def test_an_option_of_the_screen_is_passed_on(runs: Runs, tmp_path: Path) -> None:
    both = [runs["one"], runs["two"]]
    strict = export(Order(runs=both, options=["near=0.3"]), str(tmp_path / "strict.jsonl"))
    assert strict.turned_away > export(Order(runs=both), str(tmp_path / "both.jsonl")).turned_away
    with pytest.raises(PipelineError, match="does not implement 'admit'"):
        export(Order(runs=both, screen="skills"), str(tmp_path / "x.jsonl"))
    assert not (tmp_path / "x.jsonl").exists()


def test_columns_that_one_run_lacks_are_empty_there(runs: Runs, tmp_path: Path) -> None:
    _, both = merged([runs["one"], runs["plain"]], tmp_path / "both.jsonl")
    assert len({tuple(row) for row in both}) == 1
    assert list(both[0])[-1] == "origin"
    assert both[0]["skills"]
    assert both[-1]["skills"] == []


def test_values_of_several_kinds_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = iter(list[Kind](["number", "text"]))
    monkeypatch.setattr(
        "sparq_core.publish.merging.columns_of", lambda _: [Column("size", next(kinds), "x", lambda _: 1)]
    )
    assert [(column.name, column.kind) for column in common_columns([None, None])] == [  # type: ignore[list-item]
        ("size", "JSON"),
        ("origin", "text"),
    ]


def test_the_same_run_twice_and_no_place_are_refused(runs: Runs, tmp_path: Path) -> None:
    one, two = str(runs["one"]), str(runs["two"])
    assert "are the same run" in sparq_command("export", one, one, "--to", str(tmp_path / "x.jsonl"), code=2)
    assert "give one with --to" in sparq_command("export", one, two, code=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
@pytest.mark.parametrize("size", [1, 20, 10**6])
def test_shards_hold_the_rows_in_their_order(runs: Runs, tmp_path: Path, kind: str, size: int) -> None:
    _, whole = merged([runs["plain"]], tmp_path / "whole.jsonl")
    done = export(Order(runs=[runs["plain"]], kind=kind, shard_rows=size), str(tmp_path / "out"))
    shards = sorted((tmp_path / "out" / "data").iterdir())
    count = -(-len(whole) // size)
    assert [path.name for path in shards] == [f"train-{i:05}-of-{count:05}.{kind}" for i in range(count)]
    found = [row for path in shards for row in (rows(path) if kind == "jsonl" else pq.read_table(path).to_pylist())]
    assert found == whole
    assert done.rows == len(whole)


def test_fewer_shards_replace_more(runs: Runs, tmp_path: Path) -> None:
    for size in (20, 10**6):
        export(Order(runs=[runs["plain"]], kind="parquet", shard_rows=size), str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out" / "data").iterdir()] == ["train-00000-of-00001.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_several_shards_load_with_datasets(runs: Runs, tmp_path: Path) -> None:
    from datasets import load_dataset

    both = [runs["one"], runs["plain"]]
    done = export(Order(runs=both, kind="parquet", shard_rows=50), str(tmp_path / "out"))
    loaded = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == done.rows
    assert len(set(loaded["origin"])) == 2


def _leaves(kind: pa.DataType) -> set[pa.DataType]:
    if pa.types.is_list(kind):
        return _leaves(kind.value_type)
    if pa.types.is_struct(kind):
        return {leaf for field in kind for leaf in _leaves(field.type)}
    return {kind}


def test_parquet_has_only_what_older_releases_read(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    export(Order(runs=[runs["one"], runs["plain"]], kind="parquet"), str(path))
    assert {leaf for field in pq.read_schema(path) for leaf in _leaves(field.type)} <= PLAIN
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    assert {column.compression for column in columns} == {"SNAPPY"}
    assert {encoding for column in columns for encoding in column.encodings} <= {
        "PLAIN",
        "PLAIN_DICTIONARY",
        "RLE",
        "RLE_DICTIONARY",
    }


def test_rows_are_held_a_group_at_a_time(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    groups: Any = dataset._groups

    def counted(rows: Any) -> Any:
        for group in groups(rows):
            held.append(len(group))
            yield group

    monkeypatch.setattr(dataset, "BATCH", 8)
    monkeypatch.setattr(dataset, "_groups", counted)
    done = export(Order(runs=[runs["one"], runs["plain"]], kind="parquet", shard_rows=20), str(tmp_path / "out"))
    assert sum(held) == done.rows
    assert max(held) <= 8
