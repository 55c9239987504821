"""Counters of a run: what one committed step adds, and the equations they must satisfy."""

from collections import Counter

from sparq_core.errors import SparqError
from sparq_core.events import Tally
from sparq_core.ledger import StepRecord
from sparq_core.reading import GRADING, Reader


def add(tally: Tally, record: StepRecord) -> Tally:
    """The counters after one more step."""
    children = [worked.child for worked in record.worked]
    judged = [j for _, every in record.attempted for j in every]
    seeds = record.round == 0
    outcomes = Counter(tally.outcomes)
    reasons = Counter(tally.reasons)
    if not seeds:
        outcomes.update(child.outcome for child in children)
        reasons.update(f"{c.rejection.plugin}: {c.rejection.reason}" for c in children if c.rejection)
    return Tally(
        outcomes=dict(outcomes),
        reasons=dict(reasons),
        verdicts=dict(Counter(tally.verdicts) + Counter(j.verdict.value for j in judged)),
        why=dict(Counter(tally.why) + Counter(f"{j.verdict.value}: {j.verdict.reason}" for j in judged)),
        seeds=tally.seeds + seeds * len(children),
        seeds_kept=tally.seeds_kept + seeds * sum(child.outcome == "kept" for child in children),
        unparsed=tally.unparsed
        + (not seeds) * sum(c.rejection is not None and c.rejection.hook == "propose" for c in children),
        tokens=tally.tokens + sum(j.attempt.tokens for j in judged) + sum(c.tokens for c in record.completions),
    )


def check_conservation(ledger: Reader, tally: Tally) -> None:
    """
    Nothing was lost: every expected child has one outcome and every attempt one verdict.

    Counts the ledger's rows afresh, compares them with each other and with the running counters; SparqError names the
    first that differs.
    """

    def one(sql: str) -> int:
        return int(next(ledger.query(sql))[0])

    children = one("SELECT count(*) FROM problem WHERE round > 0")
    rejected = one("SELECT count(*) FROM problem WHERE round > 0 AND rejected_in IS NOT NULL")
    settled = one(f"SELECT count(*) FROM outcome WHERE grading = {GRADING} AND problem NOT GLOB '0.*'")
    attempts = one("SELECT count(*) FROM attempt")
    judged = one(f"SELECT count(*) FROM verdict WHERE grading = {GRADING}")
    counted = one(f"SELECT coalesce(sum(correct + incorrect + unknown), 0) FROM outcome WHERE grading = {GRADING}")
    again = one(
        "SELECT count(*) FROM again r JOIN attempt a ON a.problem = r.problem AND a.round = r.round AND a.step = r.step"
    )
    for what, left, right in (
        ("children = rejected + settled", children, rejected + settled),
        ("children = counted by outcome", children, tally.children),
        ("rejected = counted as rejected", rejected, tally.outcomes.get("rejected", 0)),
        ("attempts = verdicts", attempts, judged),
        ("attempts = correct + incorrect + unknown", attempts, counted + again),
        ("attempts = counted by verdict", attempts, tally.attempts),
    ):
        if left != right:
            raise SparqError(f"the ledger does not add up: {what} fails, {left} ≠ {right}; please report this")
