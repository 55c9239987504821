"""How a run went, step by step: its counters and metrics at some of its steps, however many there are."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from sparq_core.contract.records import Outcome
from sparq_core.contract.tally import Tally, priced, prices_of
from sparq_core.ledger.overview import tally_after
from sparq_core.ledger.reader import GRADING, Reader


class At(NamedTuple):
    """The run after a step."""

    round: int
    done: int
    """Steps of all rounds up to this one."""
    tally: Tally
    metrics: Mapping[str, float]


class Made(NamedTuple):
    """An attempted child, in a few words."""

    round: int
    step: int
    id: str
    outcome: Outcome
    correct: int
    decided: int
    solve_rate: float | None
    statement: str
    """As it begins."""


_MADE = (
    "SELECT p.round, p.step, p.id, o.outcome, o.correct, o.correct + o.incorrect, o.solve_rate, substr(p.statement, 1, ?)"
    f" FROM problem p CROSS JOIN outcome o ON o.problem = p.id AND o.grading = {GRADING} WHERE p.round > 0"
)


def made_since(ledger: Reader, round: int, step: int, characters: int) -> Iterator[Made]:
    """The attempted children of all steps after this one, in order, with so many characters of their statements."""
    after = " AND (p.round, p.step) > (?, ?) ORDER BY p.round, p.step, p.child"
    return (Made(*row) for row in ledger.query(_MADE + after, characters, round, step))


def latest_kept(ledger: Reader, characters: int) -> Made | None:
    """The last child that was kept, with so many characters of its statement."""
    last = " AND o.outcome = 'kept' ORDER BY p.round DESC, p.step DESC, p.child DESC LIMIT 1"
    return next((Made(*row) for row in ledger.query(_MADE + last, characters)), None)


def course(ledger: Reader, most: int) -> list[At]:
    """At most so many steps, evenly spaced, the last one always among them; before them the run as the seeds left it."""
    prices = prices_of(ledger.pipeline())
    rows = ledger.query(
        "SELECT s.round, n, s.tally, s.metrics FROM (SELECT round, step, row_number() OVER (ORDER BY round, step) n,"
        " count(*) OVER () steps FROM step WHERE round > 0) JOIN step s USING (round, step)"
        " WHERE n * ? / steps > (n - 1) * ? / steps ORDER BY n",
        most,
        most,
    )
    steps = [
        At(round_, done, priced(msgspec.json.decode(tally, type=Tally), prices), _numbers(metrics))
        for round_, done, tally, metrics in rows
    ]
    return [At(0, 0, priced(tally_after(ledger, 0), prices), {}), *steps]


def _numbers(metrics: str) -> dict[str, float]:
    return msgspec.json.decode(metrics, type=dict[str, float])
