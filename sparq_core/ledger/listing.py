"""Which problems of a run match what somebody asks for."""

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from sparq_core.contract.records import Outcome
from sparq_core.contract.texts import valid
from sparq_core.ledger import overview
from sparq_core.ledger.reader import LATER, REASON, VIEW, Reader

Order = Literal["id", "solve-rate", "quality", "length"]
_ORDERS: dict[Order, str] = {
    "id": "",
    "solve-rate": "o.solve_rate {}, ",
    "quality": "coalesce(o.quality, 0) {}, ",
    "length": "length(p.statement) {}, ",
}
_DESCRIBED_BY = (
    "EXISTS (SELECT 1 FROM descriptor d, json_each(d.value) label"
    f" WHERE d.view IN ({VIEW}, {LATER}) AND d.problem = p.id AND CAST(label.value AS TEXT) = ?)"
)


class Wanted(Struct, frozen=True, kw_only=True):
    """What a problem must be to be listed; by default any child."""

    outcomes: tuple[Outcome, ...] = ()
    """One of these; none stands for all."""
    reason: str | None = None
    """Part of why it was not kept, as `plugin: reason` for one that was rejected."""
    labels: tuple[str, ...] = ()
    """It is described by all of them."""
    operator: str | None = None
    round: int | None = None
    """0 for the seeds, which are listed only then."""
    lowest: float | None = None
    """Solve rate."""
    highest: float | None = None
    """Solve rate."""
    text: str | None = None
    """Part of its statement; the case of ASCII letters does not matter."""


def operators(ledger: Reader) -> list[str]:
    """The operators of a run's problems, that of the seeds included."""
    seeds = ledger.query("SELECT DISTINCT operator FROM problem WHERE round = 0")
    return sorted({*overview.operators(ledger), *(name for (name,) in seeds)})


def count(ledger: Reader, wanted: Wanted) -> int:
    """How many problems match."""
    where, values = _where(ledger, wanted)
    return int(next(ledger.query(f"SELECT count(*) {where}", *values))[0])


def ids(ledger: Reader, wanted: Wanted, order: Order, *, descending: bool, most: int) -> list[str]:
    """The first so many that match; those that have no solve rate come last."""
    where, values = _where(ledger, wanted)
    direction = "DESC" if descending else "ASC"
    by = _ORDERS[order].format(f"{direction} NULLS LAST")
    rows = ledger.query(
        f"SELECT p.id {where} ORDER BY {by}p.round {direction}, p.step {direction}, p.child {direction} LIMIT ?",
        *values,
        most,
    )
    return [id_ for (id_,) in rows]


def _where(ledger: Reader, wanted: Wanted) -> tuple[str, list[Any]]:
    conditions = list(_conditions(wanted))
    joined = " AND ".join(sql for sql, _ in conditions)
    given = (value for _, values in conditions for value in values)
    return (
        f"FROM problem p LEFT JOIN outcome o ON o.problem = p.id AND o.grading = ? WHERE {joined}",
        [ledger.grading, *(valid(value) if isinstance(value, str) else value for value in given)],
    )


def _conditions(wanted: Wanted) -> Iterator[tuple[str, list[Any]]]:
    yield ("p.round > 0", []) if wanted.round is None else ("p.round = ?", [wanted.round])
    if wanted.outcomes:
        marks = ", ".join("?" * len(wanted.outcomes))
        yield f"iif(p.rejected_in IS NULL, o.outcome, 'rejected') IN ({marks})", list(wanted.outcomes)
    if wanted.reason is not None:
        yield (
            f"instr(coalesce(p.rejected_by || ': ' || p.rejected_why, {REASON} || ': ' || o.reason), ?)",
            [wanted.reason],
        )
    for label in wanted.labels:
        yield _DESCRIBED_BY, [label]
    if wanted.operator is not None:
        yield "p.operator = ?", [wanted.operator]
    if wanted.lowest is not None:
        yield "o.solve_rate >= ?", [wanted.lowest]
    if wanted.highest is not None:
        yield "o.solve_rate <= ?", [wanted.highest]
    if wanted.text is not None:
        yield "instr(lower(p.statement), lower(?))", [wanted.text]
