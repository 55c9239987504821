"""
Totals of a run, which each write keeps in step with its rows, so that nobody has to count millions of them.

They can be counted anew at any time (`afresh`), and are, where an older version has written to the ledger without them.
"""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

Query = Callable[..., Iterator[tuple[Any, ...]]]
What = Literal[
    "steps",  # those whose rows the totals are of
    "made",  # children by operator
    "kept",
    "attempted",  # children that were not rejected
    "described",  # of them
    "niche",  # the described ones by list of labels and niche
    "values",  # values of a descriptor, of any problem
    "lists",  # of them, those that are labels, one or a list
    "chosen",  # problems of a curation
    "chosen niche",  # by list of labels and niche
    "chosen undescribed",
]


class Total(NamedTuple):
    """How many problems there are of a kind, and the best quality among them."""

    key: str
    """An operator, a descriptor or a curation; empty where there is nothing to tell apart."""
    value: str
    """A niche, as JSON; else empty."""
    problems: int
    best: float


def kept(query: Query, what: What, key: str | None = None) -> list[Total] | None:
    """The totals of a kind, or of one key of it; None where the ledger has none, or not of all its steps."""
    if next(query("SELECT count(*) FROM sqlite_master WHERE name = 'total'"))[0] == 0:
        return None
    counted = next(query("SELECT problems FROM total WHERE what = 'steps'"), None)
    return written(query, what, key) if counted == (_steps(query),) else None


def written(query: Query, what: What, key: str | None = None) -> list[Total]:
    """The totals of a kind, or of one key of it, as they are."""
    rows = query(
        "SELECT key, value, problems, best FROM total WHERE what = ? AND key = coalesce(?, key) ORDER BY key, value",
        what,
        key,
    )
    return [Total(*row) for row in rows]


def are_sound(query: Query) -> bool:
    """Whether there are totals of all steps, and those that are read before others are added are numbers under names."""
    try:
        there = kept(query, "steps") is not None
        rows = query("SELECT key, problems, best FROM total WHERE what NOT LIKE '%niche'") if there else ()
        return there and all(list(map(type, row)) == [str, int, float] for row in rows)
    except sqlite3.Error:  # a text that is no UTF-8, above all
        return False


def values(query: Query) -> dict[str, tuple[int, int]]:
    """How many values each descriptor has, and how many of them are labels, one or a list, counted from the rows."""
    rows = query(
        "SELECT key, count(*), sum(json_type(value) IN ('array', 'text')"
        " AND NOT EXISTS (SELECT 1 FROM json_each(descriptor.value) label WHERE label.type <> 'text')) FROM descriptor"
        " WHERE key <> '' AND json_type(value) <> 'null' GROUP BY key ORDER BY key"
    )
    return {key: (every, lists) for key, every, lists in rows}


def _steps(query: Query) -> int:
    """All committed steps, by the last one of each round: to count their rows takes seconds where there are many."""
    (last,) = next(query("SELECT max(round) FROM step"))
    return sum(next(query("SELECT max(step) FROM step WHERE round = ?", r))[0] or 0 for r in range((last or 0) + 1))
