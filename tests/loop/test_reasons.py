"""A step's counters stay small, however many reasons there are, and every row keeps its own reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sparq_core.loop.meter import LONGEST_REASON, MOST_REASONS, counted
from sparq_core.testing import run_pipeline

JUDGE = """
import sparq_core as sparq
class Judge:
    @sparq.hookimpl
    def screen(self, children):
        bad = "is bad" + ", as judges say" * 40
        return [None if child.is_seed else f"{child.id} {bad}" for child in children]
"""


def talkative(sums: Callable[..., Any], folder: Path, steps: int) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    (folder / "judge.py").write_text(JUDGE)
    pipeline: dict[str, Any] = sums(steps=steps)
    pipeline["plugins"].append({"use": "./judge.py:Judge"})
    return pipeline


def test_counters_stay_small_and_rows_keep_their_reasons(sums: Callable[..., Any], tmp_path: Path) -> None:
    with run_pipeline(talkative(sums, tmp_path, 30), tmp_path).read() as ledger:
        sizes = [size for (size,) in ledger.query("SELECT length(tally) FROM step ORDER BY round, step")]
        tally = ledger.tally()
        screened = list(ledger.query("SELECT rejected_why FROM problem WHERE rejected_in = 'screen'"))
    assert len(set(screened)) == len(screened) > 2 * MOST_REASONS
    assert all(why.endswith("as judges say") for (why,) in screened)
    assert sum(tally.reasons.values()) == tally.outcomes["rejected"]
    assert max(sizes) < (MOST_REASONS + 10) * (LONGEST_REASON + 10)


def test_counters_of_a_resumed_run_are_those_of_one_in_one_go(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(talkative(sums, tmp_path / "parts", 4), tmp_path / "parts")
    parts = run_pipeline(talkative(sums, tmp_path / "parts", 12), tmp_path / "parts", resume=True)
    whole = run_pipeline(talkative(sums, tmp_path / "whole", 12), tmp_path / "whole")
    assert parts.ending.tally.reasons == whole.ending.tally.reasons


def test_the_most_frequent_reasons_are_counted_by_themselves() -> None:
    rare = [f"judge: {i}" for i in range(100)]
    counts = counted({"mutate: no problem": 7}, [*rare, "judge: too long", "judge: too long"])
    assert (counts["mutate: no problem"], counts["judge: too long"]) == (7, 2)
    assert counts["judge: other reasons"] == 102 - MOST_REASONS
    assert sum(counts.values()) == 109


def test_counters_of_an_older_version_shrink_with_the_next_step() -> None:
    assert len(counted({f"judge: {i}": 1 for i in range(3000)}, [])) == MOST_REASONS + 1
