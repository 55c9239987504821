"""The dataset as a trainer wants to have it."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

BATCH = 1000
"""Rows that are held at once."""


def converted(dataset: Path, format: str, work: Path) -> Path:
    """A file of the rows in this format: the dataset itself, or one in the folder `work`."""
    if format == "messages":
        return dataset
    if format == "parquet":
        return _parquet(dataset, work / "dataset.parquet")
    out = work / "dataset.jsonl"
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
