"""
An index of a run's problems, by which a viewer finds some of a million at once.

The ledger has no indexes for that and stays as it is: these are temporary tables of the connection that reads it, in a file
that SQLite keeps to itself and that ends with it. They follow a run that goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.niches import Axis, Niche, Niches
from sparq_core.contract.records import OUTCOMES
from sparq_core.ledger.counting import Counting, Described, Member, Names
from sparq_core.ledger.reader import LATER, REASON, VIEW, Reader
from sparq_core.ledger.spread import Counts

FINE = 1_000_000
"""Solve rates are indexed in millionths."""
NO_RATE = -1
OTHERS = "(others)"
_TABLES = (
    "PRAGMA temp.cache_size = -65536",
    # n is the row of `problem`, which grows as steps are committed
    "CREATE TEMP TABLE item (n INTEGER PRIMARY KEY, rate, outcome, operator, reason, niche, round)",
    "CREATE INDEX temp.by_rate ON item (rate, n, outcome, operator, reason, niche, round)",
    "CREATE TEMP TABLE labelled (label, n, rate, PRIMARY KEY (label, n)) WITHOUT ROWID",
    "CREATE INDEX temp.labelled_by_rate ON labelled (label, rate, n)",
    "CREATE TEMP TABLE child (parent, n, PRIMARY KEY (parent, n)) WITHOUT ROWID",
)
_DESCRIPTORS = (
    "(SELECT json_group_object(key, json(value)) FROM descriptor"
    f" WHERE view IN ({VIEW}, {LATER}) AND key <> '' AND problem = p.id)"
)


class Index:
    """The problems of an open ledger, as far as they are indexed; it is used by one thread."""

    def __init__(self, ledger: Reader, places: int) -> None:
        self.ledger = ledger
        self.operators, self.reasons, self.labels, self.niches = (
            Names[str](OTHERS),
            Names[str](OTHERS),
            Names[tuple[str, str]](("", OTHERS)),
            Names[Niche](()),
        )
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.rounds = list[int]()
        self.axes: dict[str, Axis] = dict(ledger.axes())
        self.last = 0
        """The row of the last problem that is indexed."""
        self.complete = False
        """Whether it had all that was committed when it was last brought up to date."""
        self._own_axes = bool(self.axes)
        self._niches = dict[str, Niches]()
        self._counting = Counting(places)
        self._describe = lru_cache(maxsize=50_000)(self._described)
        for statement in _TABLES:
            ledger.query(statement)

    def counts(self, reasons: int, most: int) -> Counts:
        """What the indexed problems add up to, with at most so many reasons and labels of each descriptor."""
        return self._counting.counts(self.axes, reasons, most)

    def follow(self, most: int) -> int:
        """Index at most so many of the problems that were committed since; how many they were."""
        with self.ledger.snapshot():
            rows = list(self._next(most))
            if rows:
                self._add(rows)
                self.last = rows[-1][0]
        self.complete = len(rows) < most
        return len(rows)

    def _next(self, most: int) -> Iterator[tuple[Any, ...]]:
        return self.ledger.query(
            f"SELECT p.rowid, {_DESCRIPTORS}, p.round, p.operator, p.solution <> '',"
            f" p.rejected_by || ': ' || p.rejected_why, o.outcome, {REASON}, o.solve_rate, o.quality"
            " FROM problem p LEFT JOIN outcome o ON o.grading = ? AND o.problem = p.id"
            " WHERE p.rowid > ? ORDER BY p.rowid LIMIT ?",
            self.ledger.grading,
            self.last,
            most,
        )

    def _add(self, rows: list[tuple[Any, ...]]) -> None:
        items, labelled = list[tuple[Any, ...]](), list[tuple[int, int, int]]()
        for n, descriptors, *columns in rows:
            one = Member(*columns)
            described = self._describe(descriptors, one.round == 0) if descriptors != "{}" else None
            self._counting.add(one, described)
            item = self._item(one, described)
            items.append((n, *item))
            if described:
                labelled += [(self.labels.number(label), n, item[0]) for label in described.labels]
        self._write("item", 7, items)
        self._write("labelled", 3, labelled)
        self.ledger.query(
            "INSERT OR IGNORE INTO temp.child SELECT q.rowid, p.rowid FROM problem p"
            " CROSS JOIN parentage c ON c.child = p.id CROSS JOIN problem q ON q.id = c.parent"
            " WHERE p.rowid > ? AND p.rowid <= ?",
            self.last,
            rows[-1][0],
        )

    def _write(self, table: str, columns: int, rows: Sequence[tuple[Any, ...]]) -> None:
        values = ", ".join(f"json_extract(value, '$[{i}]')" for i in range(columns))
        encoded = msgspec.json.encode(rows).decode()
        self.ledger.query(f"INSERT OR IGNORE INTO temp.{table} SELECT {values} FROM json_each(?)", encoded)

    def _item(self, one: Member, described: Described | None) -> tuple[int, int, int, int | None, int | None, int]:
        outcome = one.outcome or "rejected"
        self.outcomes[outcome] += 1
        if one.round not in self.rounds:
            self.rounds.append(one.round)
        why = one.rejection or one.reason
        cells = tuple(cell for _, niche in described.cells for cell in niche) if described else ()
        return (
            NO_RATE if one.solve_rate is None else round(one.solve_rate * FINE),
            OUTCOMES.index(outcome),
            self.operators.number(one.operator),
            self.reasons.number(why) if why else None,
            self.niches.number(cells) if cells else None,
            one.round,
        )

    def _described(self, descriptors: str, seed: bool) -> Described:
        values: Mapping[str, Any] = msgspec.json.decode(descriptors)
        lists = {key: [v] if isinstance(v, str) else v for key, v in values.items() if isinstance(v, str | list)}
        labels = ((key, label) for key, some in lists.items() for label in some if isinstance(label, str))
        if not self._own_axes:
            self.axes |= {key: Axis() for key in lists if key not in self.axes}
        return Described(tuple(dict.fromkeys(labels)), () if seed else tuple(self._cells(values)))

    def _cells(self, values: Mapping[str, Any]) -> Iterator[tuple[str, Niche]]:
        """The cell of each axis; seeds are all known when there is a child, so that their most common labels are."""
        for key, axis in self.axes.items():
            if key not in self._niches:
                self._niches[key] = self.ledger.niches({key: axis})
            with suppress(PipelineError):  # a value of another kind than the axis has, as a stranger's plugin may give
                yield key, self._niches[key].of({key: values.get(key)})
