"""Nothing a run counts is lost: children, attempts and verdicts add up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.ledger.conservation import check_conservation
from sparq_core.testing import run_pipeline


def test_conservation_is_asserted(sums: Callable[..., Any], tmp_path: Path) -> None:
    import sqlite3

    ran = run_pipeline(sums(steps=2), tmp_path)
    connection = sqlite3.connect(ran.folder / "sparq.db")
    connection.execute("DELETE FROM verdict WHERE attempt = 5")
    connection.commit()
    connection.close()
    with ran.read() as ledger, pytest.raises(sparq.SparqError, match="attempts = verdicts fails"):
        check_conservation(ledger, ledger.tally())


def test_counts_add_up(sums: Callable[..., Any], tmp_path: Path) -> None:
    tally = run_pipeline(sums(), tmp_path).ending.tally
    assert tally.children == 60 == sum(tally.outcomes.values())
    assert tally.attempts == 8 * (60 - tally.outcomes["rejected"])
    assert tally.seeds == tally.seeds_kept == 40


def test_why_attempts_were_judged_so_is_counted(sums: Callable[..., Any], tmp_path: Path) -> None:
    tally = run_pipeline(sums(), tmp_path).ending.tally
    assert sum(tally.why.values()) == tally.attempts
    assert {why.partition(": ")[0] for why in tally.why} <= {"correct", "incorrect", "unknown"}
    assert "correct: same" in tally.why
