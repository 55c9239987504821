"""The items of a benchmark, read from JSON lines."""

from collections.abc import Iterator, Mapping
from itertools import islice
from math import isfinite
from typing import Annotated, Any

from msgspec import Meta, Struct

import sparq_core as sparq

STATEMENTS = ("problem", "question")
"""Columns of the statement, where none is named."""


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the items are."""

    path: Annotated[sparq.InputFile, Meta(description="The items as JSON lines, relative to the pipeline.")]
    problem: Annotated[
        str | None, Meta(description="Column of the statement; by default problem or question, whichever there is.")
    ] = None
    answer: Annotated[str, Meta(description="Column of the reference answer, a text or a number.")] = "answer"
    extract_answer: Annotated[
        bool,
        Meta(
            description="The answer column holds a whole solution: take its last \\boxed{}, or what follows its last ####."
        ),
    ] = False
    limit: Annotated[sparq.Positive | None, Meta(description="Only the first items.")] = None


class Item(Struct, frozen=True):
    """One item."""

    id: str
    """The number of its line."""
    problem: sparq.Problem
    """With the other columns as its `extra`, for verifiers and prompts that read a domain's own data."""
    texts: tuple[str, ...]
    """All texts of its row."""


def read(source: Source) -> list[Item]:
    """The items; PipelineError naming the line and what is wrong with it."""
    items = list(islice(_items(source), source.limit))
    if not items:
        raise sparq.PipelineError(f"{source.path}: has no items")
    return items


def _items(source: Source) -> Iterator[Item]:
    return (_item(*line, source) for line in sparq.json_lines(source.path))


def _item(number: int, where: str, row: Mapping[str, Any], source: Source) -> Item:
    column = _statement_of(where, row, source)
    statement = row[column]
    if not isinstance(statement, str) or not statement.strip():
        raise sparq.PipelineError(f"{where}: its statement is {statement!r}, not a text")
    extra = {name: value for name, value in row.items() if name not in {column, source.answer}}
    problem = sparq.Problem(id=f"line {number}", statement=statement, answer=_answer(where, row, source), extra=extra)
    return Item(str(number), problem, tuple(sparq.strings_in(row)))


def _statement_of(where: str, row: Mapping[str, Any], source: Source) -> str:
    wanted = [source.problem] if source.problem else STATEMENTS
    for column in wanted:
        if column in row:
            return column
    raise _missing(where, " or ".join(wanted), row, "problem")


def _answer(where: str, row: Mapping[str, Any], source: Source) -> str:
    if source.answer not in row:
        raise _missing(where, source.answer, row, "answer")
    value = row[source.answer]
    answer = (
        str(value).strip() if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)) else ""
    )
    if source.extract_answer:
        answer = sparq.marked_answer(answer) or ""
    if not answer:
        raise sparq.PipelineError(f"{where}: there is no answer in {value!r}; an item needs one to be judged")
    return answer


def _missing(where: str, column: str, row: Mapping[str, Any], option: str) -> sparq.PipelineError:
    return sparq.PipelineError(
        f"{where}: has no column {column}; it has {', '.join(map(str, row)) or 'none'}. Name the right one by `{option}:`"
    )
