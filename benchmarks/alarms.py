"""Which alarms the reports of the study `rounds` raise, and in how many of an arm's runs."""

import re
from collections import Counter
from pathlib import Path

from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.report.alarms import alarms
from sparq_core.report.facts import gather
from sparq_core.study.ended import ENDED

FIGURES = re.compile(r"\d[\d.,]*%")


def raised(study: Path) -> dict[str, dict[str, int]]:
    """By arm: how many runs ended (`runs`), and in how many of them an alarm was raised; arms without a ledger are left out."""
    found: dict[str, dict[str, int]] = {}
    for arm in sorted((study / "cells").glob("*")):
        cells = [note.parent for note in arm.glob(f"seed-*/{ENDED}") if (note.parent / DATABASE).exists()]
        if cells:
            seen = Counter(alarm for cell in cells for alarm in _raised(cell))
            found[arm.name] = {"runs": len(cells), **dict(seen.most_common())}
    return found


def _raised(cell: Path) -> set[str]:
    """What the alarms of one run say, without its figures."""
    with Reader.open(cell) as ledger:
        found = alarms(gather(ledger, "A", 1))
    return {FIGURES.sub("…%", re.split(r"[:,]|\.$", alarm.what)[0]) for alarm in found}
