"""What `totals` keeps, counted from the rows of the ledger."""

from typing import NamedTuple

import msgspec

from sparq_core.contract.niches import Axis, Niche
from sparq_core.ledger.reader import GRADING, LATER, VIEW, Reader

_ATTEMPTED = f"(SELECT problem FROM outcome WHERE grading = {GRADING} AND problem NOT GLOB '0.*')"
_DESCRIBED = "(SELECT DISTINCT problem FROM descriptor)"
CHOSEN = "(SELECT DISTINCT problem FROM curated WHERE curation = (SELECT max(id) FROM curation))"
"""The problems of the last choice of attempts; several questions about them are quicker of a table of these."""


class Yield(NamedTuple):
    """What an operator made."""

    children: int
    kept: int


class Labels(NamedTuple):
    """How far children are described."""

    attempted: int
    described: int


class Filled(NamedTuple):
    """The problems of a niche."""

    problems: int
    best: float
    """The best quality among them."""

    def and_more(self, problems: int, best: float) -> "Filled":
        """With further problems."""
        return Filled(self.problems + problems, max(self.best, best))


def axis_of(ledger: Reader, key: str) -> Axis:
    """How a list of labels makes niches: as the run's selector has it, by the defaults where that takes no notice of it."""
    return ledger.axes().get(key, Axis())


def operators(ledger: Reader) -> dict[str, Yield]:
    """Children and kept ones by the operator that made them."""
    rows = ledger.query(
        "SELECT p.operator, count(*), coalesce(sum(o.outcome = 'kept'), 0) FROM problem p LEFT JOIN outcome o"
        f" ON o.problem = p.id AND o.grading = {GRADING} WHERE p.round > 0 GROUP BY p.operator ORDER BY p.operator"
    )
    return {name: Yield(children, kept) for name, children, kept in rows}


def curated(ledger: Reader, chosen: str = CHOSEN) -> int:
    """How many problems the last choice of attempts has."""
    rows = ledger.query(f"SELECT count(*) FROM {chosen}")
    return int(next(rows)[0])


def curated_undescribed(ledger: Reader, chosen: str = CHOSEN) -> int:
    """How many of them are not described."""
    rows = ledger.query(
        f"SELECT count(*) FROM {chosen} c WHERE NOT EXISTS (SELECT 1 FROM descriptor d WHERE d.view IN ({VIEW}, {LATER})"
        " AND d.problem = c.problem)"
    )
    return int(next(rows)[0])


def labelled(ledger: Reader) -> Labels:
    """How many children were attempted, and how many of them are described."""
    (found,) = ledger.query(
        f"SELECT count(*), count(d.problem) FROM {_ATTEMPTED} a LEFT JOIN {_DESCRIBED} d ON d.problem = a.problem"
    )
    return Labels(*found)


def best_of_labelled(ledger: Reader) -> float:
    """The best quality among the children that are described."""
    rows = ledger.query(
        f"SELECT coalesce(max(quality), 0) FROM {_DESCRIBED} JOIN outcome o USING (problem)"
        f" WHERE o.grading = {GRADING} AND problem NOT GLOB '0.*'"
    )
    return float(next(rows)[0])


def curated_niches(ledger: Reader, key: str, axis: Axis, chosen: str = CHOSEN) -> dict[Niche, Filled]:
    """The problems of the last choice of attempts, by the niches that a list of labels makes."""
    return _filled(ledger, chosen, key, axis)


def labelled_niches(ledger: Reader, key: str, axis: Axis) -> dict[Niche, Filled]:
    """The children that are described, whatever became of them, by the niches that a descriptor makes."""
    return _filled(ledger, f"(SELECT problem FROM {_ATTEMPTED} JOIN {_DESCRIBED} USING (problem))", key, axis)


def _filled(ledger: Reader, of: str, key: str, axis: Axis) -> dict[Niche, Filled]:
    rows = ledger.query(
        f"SELECT d.value, count(*), max(coalesce(o.quality, 0)) FROM {of} c"
        f" LEFT JOIN descriptor d ON d.view IN ({VIEW}, {LATER}) AND d.problem = c.problem AND d.key = ?"
        f" LEFT JOIN outcome o ON o.problem = c.problem AND o.grading = {GRADING} GROUP BY d.value",
        key,
    )
    niches, found = ledger.niches({key: axis}), dict[Niche, Filled]()
    for value, problems, best in rows:
        niche = niches.of({key: msgspec.json.decode(value or "null")})
        found[niche] = found.get(niche, Filled(0, 0.0)).and_more(problems, best)
    return found
