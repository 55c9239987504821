"""How numbers and names are told, in commands and reports alike."""

from collections import Counter
from collections.abc import Sequence

from sparq_core.contract.records import Child, Judged
from sparq_core.contract.tally import Tally
from sparq_core.contract.texts import inert, shortened

LONGEST_NAME = 100
AGREED = "attempts agree on another answer"
"""Why a problem is disputed, in a list of many; which answer that is, each tells by itself (`reason_of`)."""


def reason_of(child: Child, judged: Sequence[Judged] = ()) -> str:
    """Why a problem was not kept; a disputed one tells by its attempts, where they are given, what they agree on."""
    if child.outcome != "disputed":
        return child.reason
    others = Counter(one.verdict.answer for one in judged if one.verdict.value == "incorrect" and one.verdict.answer)
    answer, times = others.most_common(1)[0] if others else (None, 0)
    return AGREED if answer is None else f"{times} of {len(judged)} {AGREED}: {answer}"


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
