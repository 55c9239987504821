"""A few problems that stand for all of a run: some of each stratum of difficulty, and where each comes from."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from sparq_core.contract.records import Problem
from sparq_core.ledger.reader import GRADING, Reader

STRATA = (
    "kept, solved by at most a quarter of the attempts",
    "kept, solved by more than a quarter and at most half",
    "kept, solved by more than half and at most three quarters",
    "kept, solved by more than three quarters",
    "never solved",
    "always solved",
    "otherwise out of band",
    "disputed",
    "unresolved",
    "rejected before any attempt",
)
_STRATUM = (
    "CASE WHEN outcome = 'kept' THEN (coalesce(solve_rate, 0) > 0.25) + (coalesce(solve_rate, 0) > 0.5)"
    " + (coalesce(solve_rate, 0) > 0.75)"
    " WHEN outcome = 'unresolved' THEN 8 WHEN outcome = 'disputed' THEN 7"
    " WHEN solve_rate <= 0 THEN 4 WHEN solve_rate >= 1 THEN 5 ELSE 6 END"
)


class Stratum(NamedTuple):
    """Some problems of a kind, the hardest first; rejected ones turn about by reason, the most frequent reason first."""

    name: str
    problems: int
    some: list[str]

    def chosen(self, most: int) -> list[str]:
        """At most so many of them: the first ones of those rejected, of others the hardest and some at regular intervals."""
        shown = min(most, len(self.some))
        if self.name == STRATA[-1]:
            return self.some[:shown]
        return [self.some[i * len(self.some) // shown] for i in range(shown)]


def samples(ledger: Reader, each: int) -> list[Stratum]:
    """
    At most so many children of each stratum that has any: the hardest, and others evenly spaced after it.

    Of those rejected: one of each reason, the most frequent reason first, then a second one of each, and so on.
    """
    rows = ledger.query(
        "SELECT stratum, problems, problem FROM (SELECT stratum, problem,"
        " row_number() OVER (PARTITION BY stratum ORDER BY solve_rate, problem) - 1 n,"
        " count(*) OVER (PARTITION BY stratum) problems"
        f" FROM (SELECT problem, solve_rate, {_STRATUM} stratum FROM outcome"
        f" WHERE grading = {GRADING} AND problem NOT GLOB '0.*')) WHERE n * ? % problems < ? ORDER BY stratum, n",
        each,
        each,
    )
    found = [
        Stratum(STRATA[number], problems, [id_ for *_, id_ in some])
        for (number, problems), some in groupby(rows, lambda row: (row[0], row[1]))
    ]
    rejected = ledger.query(
        "SELECT id FROM (SELECT id, rejected_by, rejected_why, count(*) OVER same often,"
        " row_number() OVER (same ORDER BY rowid) nth FROM problem WHERE round > 0 AND rejected_in IS NOT NULL"
        " WINDOW same AS (PARTITION BY rejected_by, rejected_why))"
        " ORDER BY nth, often DESC, rejected_by, rejected_why LIMIT ?",
        each,
    )
    turned_away = [id_ for (id_,) in rejected]
    count = ledger.tally().outcomes.get("rejected", 0)
    return [*found, Stratum(STRATA[-1], count, turned_away)] if turned_away else found


def lineage(ledger: Reader, problem: str, most: int) -> list[Problem]:
    """A problem's parents, theirs, and so on: at most so many, the nearest first."""
    found, born = [problem], [problem]
    while born and len(found) <= most:
        above = (parent for one in ledger.problems(born) for parent in one.parents)
        born = [id_ for id_ in dict.fromkeys(above) if id_ not in found][: most + 1 - len(found)]
        found += born
    return ledger.problems(found[1:])


def children_counts(ledger: Reader, problems: Sequence[str]) -> dict[str, int]:
    """How many children each of these problems has; one without any is left out."""
    marks = ", ".join("?" * len(problems))
    return dict(
        ledger.query(f"SELECT parent, count(*) FROM parentage WHERE parent IN ({marks}) GROUP BY parent", *problems)
    )
