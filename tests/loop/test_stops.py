"""When a run ends by itself: budgets, a generator that cannot be read, too many unknown attempts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import digest

import sparq_core as sparq
from sparq_core.testing import run_pipeline


@pytest.mark.parametrize("budget", [{"attempts": 100}, {"kept": 10}, {"tokens": 1000}])
def test_a_budget_stops_the_run_with_a_valid_result(
    sums: Callable[..., Any], tmp_path: Path, budget: dict[str, int]
) -> None:
    ran = run_pipeline(sums(budget=budget), tmp_path)
    assert ran.ending.exit_code == 3
    assert next(iter(budget)) in ran.ending.reason
    assert 0 < ran.read().steps_of(1) < 10
    assert (tmp_path / "run" / "dataset" / "round-1.jsonl").stat().st_size
    more = run_pipeline(sums(), tmp_path, resume=True)
    assert digest(more) == digest(run_pipeline(sums(), tmp_path / "whole"))


def test_a_budget_of_kept_problems_is_met_exactly(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(budget={"kept": 10}), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "run" / "dataset" / "round-1.jsonl").read_text().splitlines()]
    with ran.read() as ledger:
        kept = [s.child.problem.id for s in ledger.solved() if not s.child.problem.is_seed]
    assert ran.ending.tally.outcomes["kept"] == len(kept) > 10
    assert list(dict.fromkeys(row["id"].rpartition("/")[0] for row in rows)) == kept[:10]


def test_hours_are_summed_over_sessions(sums: Callable[..., Any], tmp_path: Path) -> None:
    first = run_pipeline(sums(steps=1), tmp_path).ending.tally.seconds
    second = run_pipeline(sums(steps=3), tmp_path, resume=True).ending.tally.seconds
    assert 0 < first < second
    spent = run_pipeline(sums(budget={"hours": 0.999 * second / 3600}, steps=200), tmp_path, resume=True)
    assert spent.ending.reason.startswith("budget.hours reached")
    again = run_pipeline(sums(budget={"hours": 0.999 * second / 3600}, steps=200), tmp_path, resume=True)
    assert digest(again) == digest(spent)


def test_a_generator_that_cannot_be_read_stops_the_run_with_examples(sums: Callable[..., Any], tmp_path: Path) -> None:
    answers = {"<problem>": ["Sorry, I can only talk about cats."], "<skills>": ["<skills>cats</skills>"]}
    model = {"use": "scripted", "model": "cats", "with": {"answers": answers}}
    with pytest.raises(sparq.SparqError, match="only 0 of the first 78 children") as caught:
        run_pipeline(sums(models={"student": model}, steps=50), tmp_path)
    assert str(caught.value).count("only talk about cats") == 3
    assert "with.prompt" in str(caught.value)


def test_truncated_attempts_raise_one_warning_that_names_the_setting(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(attempts={"k": 8, "max_tokens": 3}), tmp_path)
    warnings = [e.message for e in ran.events if isinstance(e, sparq.Warned)]
    assert [w for w in warnings if "unknown" in w] == warnings[:1]
    assert "attempts.max_tokens" in warnings[0]
    assert "no problem was kept" in warnings[-1]
    assert ran.ending.tally.outcomes["unresolved"] > 0


def test_the_share_that_warns_is_a_setting_and_may_change(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(attempts={"k": 8, "max_tokens": 3, "warn_unknown": 1.0}), tmp_path)
    assert not [e for e in ran.events if isinstance(e, sparq.Warned) and "unknown" in e.message]
    again = run_pipeline(sums(attempts={"k": 8, "max_tokens": 3, "warn_unknown": 0.5}, steps=11), tmp_path, resume=True)
    assert again.ending.exit_code == 0


def test_a_run_whose_verifiers_never_said_anything_is_told_so(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "mute.py").write_text(
        "import sparq_core as sparq\n"
        "class Mute:\n"
        "    @sparq.hookimpl\n"
        "    def verify(self, trials): return [None for _ in trials]\n"
    )
    pipeline = sums(steps=2)
    pipeline["plugins"] = [{"use": "./mute.py:Mute"} if p["use"] == "sympy" else p for p in pipeline["plugins"]]
    ran = run_pipeline(pipeline, tmp_path)
    (told,) = [e.message for e in ran.events if isinstance(e, sparq.Warned) and "no problem was kept" in e.message]
    assert "no verifier could decide; add one that can" in told
