"""The dataset as a trainer wants to have it."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

BATCH = 1000
"""Rows that are held at once."""


def count(dataset: Path) -> int:
    """How many examples there are."""
    with dataset.open("rb") as file:
        return sum(1 for _ in file)


def converted(dataset: Path, format: str, folder: Path) -> Path:
    """A file of the rows in this format: the dataset itself, or one in a folder that is made for it."""
    if format == "messages":
        return dataset
    folder.mkdir()
    if format == "parquet":
        return _parquet(dataset, folder / "train.parquet")
    out = folder / "train.jsonl"
    with out.open("w", encoding="utf-8") as file:
        for messages in _messages(dataset):
            file.write(json.dumps({"prompt": messages[:-1], "completion": messages[-1:]}, ensure_ascii=False) + "\n")
    return out


def _messages(dataset: Path) -> Iterator[list[dict[str, Any]]]:
    with dataset.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["messages"]


def _parquet(dataset: Path, out: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("messages", pa.list_(turn))])
    rows = _messages(dataset)
    with pq.ParquetWriter(out, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            writer.write_table(pa.table([batch], schema=schema))
    return out
