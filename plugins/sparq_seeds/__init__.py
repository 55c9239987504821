"""Seed problems from JSON lines, Parquet files or Hugging Face datasets."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import islice
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_seeds.plain import plain, text

MOST = 1 << 20
"""Bytes of JSON that columns nobody named may come to in a row."""
BATCH = 64
"""Rows of a Parquet file held in memory at once, for columns may be large."""


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
    extra: Annotated[
        Literal["all", "row"] | list[str],
        Meta(
            description="Other columns to keep as the problem's `extra`, the domain's own data: all, while a row's come to "
            "less than a megabyte; `row` keeps these three as well, as they are in the file; those that are named, of any "
            "size; or none: `[]`."
        ),
    ] = "all"
    limit: Annotated[sparq.Positive | None, Meta(description="Number of rows to use, by default the first ones.")] = (
        None
    )
    sample: Annotated[
        int | None,
        Meta(
            description="Take any rows instead of the first, `limit` of them: the same number takes the same, in the order "
            "of the file."
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.sample is not None and self.limit is None:
            raise ValueError("sample chooses the rows for `limit`: also set `limit`")

    def named(self) -> dict[str, list[str]]:
        """The columns that must be there, by the option that names them."""
        extra = list(self.extra) if isinstance(self.extra, list) else []
        return {"problem": [self.problem], "answer": [self.answer], "extra": extra}

    def own(self) -> set[str]:
        """The columns that are fields of a seed."""
        return {self.problem, self.answer, self.solution}


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
        for found, row in enumerate(self._taken(), 1):  # noqa: B007 -- counted
            draft(row, self._config)
        message = f"there are no seeds in {self._config.path}"
        return [] if found else [sparq.Finding(level="error", place="with.path", message=message)]

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        for row in self._taken():
            yield draft(row, self._config)

    def _taken(self) -> Iterator["Row"]:
        path = self._config.path
        rows = ((line.place, line.row) for line in sparq.json_lines(path))
        return taken(rows, lambda: sum(1 for _ in sparq.text_lines(path)), self._config)


class ParquetSeeds:
    """Seeds from a Parquet file."""

    requires: ClassVar[Mapping[str, str]] = {"pyarrow": "sparq-engine[parquet]"}

    def __init__(self, config: FileConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        for row in islice(self._rows(), 1):
            draft(row, self._config)
        return []

    @sparq.hookimpl
    def load_seeds(self) -> Iterator[sparq.Draft]:
        for row in taken(self._rows(), self._count, self._config):
            yield draft(row, self._config)

    def _count(self) -> int:
        import pyarrow.parquet as pq

        with _parquet(self._config.path):
            return int(pq.read_metadata(self._config.path).num_rows)

    def _rows(self) -> Iterator["Row"]:
        import pyarrow.parquet as pq

        path, number = self._config.path, 0
        with _parquet(path), pq.ParquetFile(path) as file:
            columns = wanted(path, file.schema_arrow.names, self._config)
            for batch in file.iter_batches(BATCH, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", row


@contextmanager
def _parquet(path: str) -> Iterator[None]:
    """PipelineError for a file that is no Parquet, or a broken one."""
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise sparq.PipelineError(
            f"{path}: cannot be read as Parquet: {str(error).strip()}; `jsonl-seeds` reads JSON lines"
        ) from None


class DatasetConfig(Columns, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of seeds from a Hugging Face dataset."""

    dataset: Annotated[str, Meta(description="Name on the Hub, or a local folder that `datasets` can load.")]
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

        @cache
        def load(name: str | None) -> Any:
            loaded = load_dataset(source, name, split=config.split, revision=config.revision)
            return loaded.select_columns(wanted(config.dataset, loaded.column_names, config))

        names = config.name if isinstance(config.name, list) else [config.name]
        rows = ((f"{config.dataset}, row {i}", row) for name in names for i, row in enumerate(load(name), 1))
        for row in taken(rows, lambda: sum(len(load(name)) for name in names), config):
            yield draft(row, config)


Row = tuple[str, Mapping[str, Any]]
"""Where a row is, and its columns."""


def draft(row: Row, columns: Columns) -> sparq.Draft:
    """A row as a seed; PipelineError naming the row and the column that is not there or cannot be read."""
    where, values = row
    _refuse_missing(where, values, columns)
    statement = values[columns.problem]
    if not isinstance(statement, str):
        raise sparq.PipelineError(f"{where}: column '{columns.problem}' holds {statement!r}, not a text")
    answer, solution = values[columns.answer], values.get(columns.solution)
    if isinstance(answer, float) and not isfinite(answer):
        raise sparq.PipelineError(
            f"{where}: column '{columns.answer}' holds {answer}, which is no number; write the answer as a text, or null "
            "where there is none"
        )
    if isinstance(answer, bool | list | dict):
        raise sparq.PipelineError(
            f"{where}: column '{columns.answer}' holds {sparq.shortened(repr(answer), 60)}, which is no text; write "
            "the answer as one, such as '5' or 'red, white', and keep other data in a column of its own, for `extra`"
        )
    unparsed = "" if statement.strip() else "empty statement"
    if columns.extract_answer:
        answer = sparq.marked_answer(str(answer))
        unparsed = unparsed or ("" if answer else "no final answer")
    return sparq.Draft(
        statement=text(statement.strip()),
        answer=None if answer is None else text(str(answer)),
        solution="" if solution is None else text(str(solution)),
        extra=_extra(row, columns),
        unparsed=unparsed,
    )


def wanted(where: str, names: Collection[str], columns: Columns) -> list[str]:
    """Of the columns there are, those to read; PipelineError where one that an option names is not there."""
    _refuse_missing(where, names, columns)
    return [name for name in names if isinstance(columns.extra, str) or name in columns.own() or name in columns.extra]


def _refuse_missing(where: str, names: Collection[str], columns: Columns) -> None:
    for option, named in columns.named().items():
        for column in named:
            if column not in names:
                raise sparq.PipelineError(
                    f"{where}: has no column '{column}'; it has {', '.join(map(str, names)) or 'none'}. Name the right one "
                    f"by `{option}:` in the plugin's `with`"
                )


def _extra(row: Row, columns: Columns) -> dict[str, Any]:
    where, values = row
    if isinstance(columns.extra, list):
        return {name: _plain(where, name, values[name]) for name in columns.extra}
    own = columns.own() if columns.extra == "all" else set()
    found = {name: _plain(where, name, value) for name, value in values.items() if name not in own}
    sizes = {name: len(msgspec.json.encode(value)) for name, value in found.items()}
    if sum(sizes.values()) > MOST:
        largest = max(sizes, key=lambda name: sizes[name])
        raise sparq.PipelineError(
            f"{where}: its other columns come to {sum(sizes.values()) / MOST:.1f} MB, '{largest}' is the largest; {_REMEDY}"
        )
    return {text(name): value for name, value in found.items()}


def _plain(where: str, name: str, value: Any) -> Any:
    try:
        return plain(value)
    except (TypeError, ValueError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else error
        raise sparq.PipelineError(f"{where}: column '{name}' {what}; {_REMEDY}") from error


_REMEDY = "name the columns to keep by `extra:` in the plugin's `with`, or keep none by `extra: []`"


def taken(rows: Iterable[Row], count: Callable[[], int], columns: Columns) -> Iterator[Row]:
    """The rows that `limit` and `sample` leave, in their order; `count`, how many there are, is asked where it matters."""
    if columns.sample is None or columns.limit is None:
        return islice(rows, columns.limit)
    there = count()
    numbers = sparq.generator("seeds", columns.sample).sample(range(there), min(there, columns.limit))
    return _numbered(rows, frozenset(numbers))


def _numbered(rows: Iterable[Row], numbers: Collection[int]) -> Iterator[Row]:
    return (row for number, row in enumerate(rows) if number in numbers)
