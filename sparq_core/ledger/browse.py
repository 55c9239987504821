"""Some problems of a run by what became of them, in an order, from a place on: what a viewer's pages show."""

import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct
from msgspec.structs import replace

from sparq_core.contract.records import OUTCOMES, Outcome
from sparq_core.ledger.index import FINE, Index
from sparq_core.ledger.reader import REASON, Reader

Number = Annotated[int, Meta(ge=0, lt=2**62)]
Share = Annotated[float, Meta(ge=0, le=1)]
Order = Literal["newest", "oldest", "hardest", "easiest"]
WINDOW = 10_000
"""Problems that are looked through at once, between two looks at the clock."""
WINDOW_OF_TEXTS = 2_000
BUDGET = 0.08
"""Seconds of the processor after which a search stops, and says where."""
PREVIEW = 400
"""Characters of a statement that are listed."""
_FIRST, _LAST = (-2, -1), (FINE + 1, 2**62)


class Filter(Struct, frozen=True, kw_only=True):
    """Which problems, and in what order; operators, reasons, labels and niches by their numbers in the index."""

    outcome: Outcome | None = None
    operator: Number | None = None
    reason: Number | None = None
    label: Number | None = None
    niche: Number | None = None
    round: Number | None = None
    low: Share | None = None
    """The lowest solve rate."""
    high: Share | None = None
    """The highest solve rate."""
    text: str = ""
    """What the statement has in it, in any case of ASCII letters."""
    order: Order = "newest"

    @property
    def by_rate(self) -> bool:
        """Whether only problems with a solve rate are listed, by that."""
        return self.order in ("hardest", "easiest")


class Key(NamedTuple):
    """The place of a problem in every order."""

    rate: Annotated[int, Meta(ge=-2, le=FINE + 1)]
    """In millionths; -1 where it has none."""
    n: Annotated[int, Meta(ge=-1, le=2**62)]


class Found(NamedTuple):
    """Problems in their order, and whether there may be more."""

    keys: list[Key]
    more: bool
    stopped: Key | None
    """The last one that was looked at, where the search stopped before it was through."""


class Listed(NamedTuple):
    """A problem in a list."""

    key: Key
    id: str
    operator: str
    statement: str
    """Its beginning."""
    outcome: Outcome
    reason: str
    correct: int | None
    decided: int | None


class Family(NamedTuple):
    """The children of a problem: how many, and the first of them."""

    children: int
    some: list[Listed]


def find(
    index: Index, wanted: Filter, start: Key | None, most: int, *, back: bool = False, budget: float = BUDGET
) -> Found:
    """
    At most so many problems after a place, or `back` before it with the nearest first; from an end by default.

    After `budget` seconds of the processor it answers what it has found, and where to go on.
    """
    descending = (wanted.order in ("newest", "easiest")) != back
    place = start or Key(*(_LAST if descending else _FIRST))
    window = WINDOW_OF_TEXTS if wanted.text else WINDOW
    found, began = list[Key](), time.process_time()
    while True:
        sql, values = _window(wanted, place, window, descending)
        where, given = _conditions(wanted)
        order = _order(wanted, descending)
        rows = index.ledger.query(
            f"SELECT rate, n FROM ({sql}) WHERE {where} ORDER BY {order} LIMIT ?",
            *values,
            *given,
            most + 1 - len(found),
        )
        found += [Key(*row) for row in rows]
        if len(found) > most:
            return Found(found[:most], True, None)
        end = next(index.ledger.query(f"SELECT rate, n FROM ({sql}) LIMIT 1 OFFSET ?", *values, window - 1), None)
        if end is None:
            return Found(found, False, None)
        place = Key(*end)
        if time.process_time() - began > budget:
            return Found(found, True, place)


def _order(wanted: Filter, descending: bool) -> str:
    way = "DESC" if descending else "ASC"
    return f"rate {way}, n {way}" if wanted.by_rate else f"n {way}"


def _window(wanted: Filter, place: Key, size: int, descending: bool) -> tuple[str, list[Any]]:
    """The next so many problems of the order, those of a label alone where one is wanted; all else is asked of these."""
    sign = "<" if descending else ">"
    listed, where, values = "item w", "1", list[Any]()
    if wanted.label is not None:
        listed, where, values = "labelled w CROSS JOIN item i ON i.n = w.n", "w.label = ?", [wanted.label]
    if wanted.by_rate:
        where += f" AND (w.rate, w.n) {sign} (?, ?) AND w.rate >= 0"
        values += place
    else:
        where += f" AND w.n {sign} ?"
        values.append(place.n)
    columns = "w.rate, w.n, outcome, operator, reason, niche, round"
    order = ", ".join(f"w.{part}" for part in _order(wanted, descending).split(", "))
    return f"SELECT {columns} FROM {listed} WHERE {where} ORDER BY {order} LIMIT {size}", values


def _conditions(wanted: Filter) -> tuple[str, list[Any]]:
    given = {
        "outcome = ?": None if wanted.outcome is None else OUTCOMES.index(wanted.outcome),
        "operator = ?": wanted.operator,
        "reason = ?": wanted.reason,
        "niche = ?": wanted.niche,
        "round = ?": wanted.round,
        "rate >= ?": None if wanted.low is None else round(wanted.low * FINE),
        "rate BETWEEN 0 AND ?": None if wanted.high is None else round(wanted.high * FINE),
        "(SELECT statement LIKE ? ESCAPE '\\' FROM problem p WHERE p.rowid = n)": _pattern(wanted.text),
    }
    asked = {condition: value for condition, value in given.items() if value is not None}
    return " AND ".join(asked) or "1", list(asked.values())


def _pattern(text: str) -> str | None:
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%" if text else None


def anyone(index: Index, wanted: Filter, rng: Random) -> Key | None:
    """A problem from a random place on, and where there is none after it, from the beginning on."""
    inner = replace(wanted, order="oldest")
    for start in (Key(0, rng.randrange(index.last) if index.last else 0), None):
        if found := find(index, inner, start, 1).keys:
            return found[0]
    return None


def key_of(index: Index, id_: str) -> Key | None:
    """The place of a problem that is indexed, else None."""
    rows = index.ledger.query(
        "SELECT i.rate, i.n FROM problem p CROSS JOIN item i ON i.n = p.rowid WHERE p.id = ?", id_
    )
    return next((Key(*row) for row in rows), None)


def id_of(ledger: Reader, key: Key) -> str:
    """The id of the problem at a place."""
    (row,) = ledger.query("SELECT id FROM problem WHERE rowid = ?", key.n)
    return str(row[0])


def listed(index: Index, keys: Sequence[Key]) -> Iterator[Listed]:
    """What a list shows of these problems, in their order."""
    for key in keys:
        (row,) = index.ledger.query(
            "SELECT p.id, p.operator, substr(p.statement, 1, ?), coalesce(o.outcome, 'rejected'),"
            f" coalesce(p.rejected_by || ': ' || p.rejected_why, {REASON}, ''), o.correct, o.correct + o.incorrect"
            " FROM problem p LEFT JOIN outcome o ON o.grading = ? AND o.problem = p.id WHERE p.rowid = ?",
            PREVIEW,
            index.ledger.grading,
            key.n,
        )
        yield Listed(key, *row)


def children(index: Index, key: Key, most: int) -> Family:
    """The children of the problem at a place, as far as they are indexed; at most so many of them are listed."""
    (count,) = index.ledger.query("SELECT count(*) FROM child WHERE parent = ?", key.n)
    rows = index.ledger.query(
        "SELECT i.rate, i.n FROM child c CROSS JOIN item i ON i.n = c.n WHERE c.parent = ? ORDER BY c.n LIMIT ?",
        key.n,
        most,
    )
    return Family(count[0], list(listed(index, [Key(*row) for row in rows])))
