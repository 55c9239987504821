"""How a run went, step by step: its counters and metrics at some of its steps, however many there are."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from sparq_core.contract.tally import Tally, priced, prices_of
from sparq_core.ledger.overview import tally_after
from sparq_core.ledger.reader import Reader


class At(NamedTuple):
    """The run after a step."""

    round: int
    done: int
    """Steps of all rounds up to this one."""
    tally: Tally
    metrics: Mapping[str, float]


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
