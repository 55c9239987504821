"""Seed problems from JSON lines, Parquet files or Hugging Face datasets."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which columns hold what, and how many rows to take."""

    problem: Annotated[str, Meta(description="Column of the statement.")] = "problem"
    answer: Annotated[str, Meta(description="Column of the reference answer.")] = "answer"
    solution: Annotated[str, Meta(description="Column of a worked solution; it may be missing.")] = "solution"
    extract_answer: Annotated[
        bool,
        Meta(
            description="The answer column holds a whole solution: take its last \\boxed{}, or what follows its last ####."
        ),
    ] = False
    limit: Annotated[sparq.Positive | None, Meta(description="Take the first rows only.")] = None


class FileConfig(Columns, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of seeds from a file."""

    path: Annotated[sparq.InputFile, Meta(description="The file, relative to the pipeline.")]


class JsonlSeeds:
    """Seeds from a file of JSON lines. A malformed line stops the run, naming it."""

    def __init__(self, config: FileConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        found = 0
        for found, row in enumerate(_first(_json_rows(Path(self._config.path)), self._config.limit), 1):  # noqa: B007 -- counted
            draft(row, self._config)
        message = f"there are no seeds in {self._config.path}"
        return [] if found else [sparq.Finding(level="error", place="with.path", message=message)]

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        for row in _first(_json_rows(Path(self._config.path)), self._config.limit):
            yield draft(row, self._config)


class ParquetSeeds:
    """Seeds from a Parquet file."""

    requires: ClassVar[Mapping[str, str]] = {"pyarrow": "sparq-engine[parquet]"}

    def __init__(self, config: FileConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        import pyarrow.parquet as pq

        names = pq.read_schema(self._config.path).names
        draft((f"{self._config.path}", dict.fromkeys(names, "")), self._config)
        return []

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        import pyarrow.parquet as pq

        def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
            number = 0
            for batch in pq.ParquetFile(self._config.path).iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"{self._config.path}, row {number}", row

        for row in _first(rows(), self._config.limit):
            yield draft(row, self._config)


class DatasetConfig(Columns, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of seeds from a Hugging Face dataset."""

    dataset: Annotated[str, Meta(description="Name on the hub, or a local folder that `datasets` can load.")]
    name: Annotated[
        str | list[str] | None,
        Meta(description="Configuration of the dataset; the rows of several are taken in order."),
    ] = None
    split: Annotated[str, Meta(description="Split to take.")] = "train"
    revision: Annotated[str | None, Meta(description="Commit or tag; fix it to make runs repeatable.")] = None


class DatasetsSeeds:
    """Seeds from a Hugging Face dataset, from the hub or from disk."""

    requires: ClassVar[Mapping[str, str]] = {"datasets": "sparq-engine[datasets]"}

    def __init__(self, config: DatasetConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def load_seeds(self, run: sparq.Run) -> Iterator[sparq.Draft]:
        from datasets import load_dataset

        config = self._config
        local = run.base / config.dataset
        source = str(local) if local.exists() else config.dataset

        def rows() -> Iterator[Row]:
            for name in config.name if isinstance(config.name, list) else [config.name]:
                loaded = load_dataset(source, name, split=config.split, revision=config.revision)
                yield from ((f"{config.dataset}, row {i}", row) for i, row in enumerate(loaded, 1))

        for row in _first(rows(), config.limit):
            yield draft(row, config)


Row = tuple[str, Mapping[str, Any]]
"""Where a row is, and its columns."""


def draft(row: Row, columns: Columns) -> sparq.Draft:
    """A row as a seed; PipelineError naming the row and the column that is not there."""
    where, values = row
    for option in ("problem", "answer"):
        column = getattr(columns, option)
        if column not in values:
            raise sparq.PipelineError(
                f"{where}: has no column '{column}'; it has {', '.join(map(str, values)) or 'none'}. Name the right one by "
                f"`{option}:` in the plugin's `with`"
            )
    statement = values[columns.problem]
    if not isinstance(statement, str):
        raise sparq.PipelineError(f"{where}: column '{columns.problem}' holds {statement!r}, not a text")
    answer, solution = values[columns.answer], values.get(columns.solution)
    unparsed = "" if statement.strip() else "empty statement"
    if columns.extract_answer:
        answer = sparq.marked_answer(str(answer))
        unparsed = unparsed or ("" if answer else "no final answer")
    return sparq.Draft(
        statement=statement.strip(),
        answer=None if answer is None else str(answer),
        solution="" if solution is None else str(solution),
        unparsed=unparsed,
    )


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise sparq.PipelineError(f"{where}: is not JSON: {error.msg} at character {error.pos + 1}") from error
            if not isinstance(row, dict):
                raise sparq.PipelineError(f"{where}: is a {type(row).__name__}, each line must be an object")
            yield where, row


def _first(rows: Iterable[Row], limit: int | None) -> Iterator[Row]:
    return islice(rows, limit)
