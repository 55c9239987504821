"""The equations of a ledger: nothing was lost."""

from sparq_core.contract.errors import SparqError
from sparq_core.contract.tally import Tally
from sparq_core.ledger.reader import GRADING, Reader


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
