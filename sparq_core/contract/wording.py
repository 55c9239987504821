"""How numbers and names are told, in commands and reports alike."""

from sparq_core.contract.tally import Tally
from sparq_core.contract.texts import inert, shortened

LONGEST_NAME = 100


def money(amount: float) -> str:
    """An amount of any currency: two digits after the point, or two that count where it is small."""
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.2g}"


def times(number: int) -> str:
    """How often: `once`, `2 times`."""
    return "once" if number == 1 else f"{number:,} times"


def metric_name(key: str) -> str:
    """A metric as people read it: `qd_score` is QD-score."""
    return inert(shortened({"qd_score": "QD-score"}.get(key, key.replace("_", " ")), LONGEST_NAME))


def funnel(tally: Tally) -> list[tuple[str, int]]:
    """Proposed children and what became of them, in the order of the loop."""
    out = tally.outcomes
    return [
        ("proposed", tally.children),
        ("rejected", out.get("rejected", 0)),
        ("unresolved", out.get("unresolved", 0)),
        ("disputed", out.get("disputed", 0)),
        ("out of band", out.get("out-of-band", 0)),
        ("kept", out.get("kept", 0)),
    ]
