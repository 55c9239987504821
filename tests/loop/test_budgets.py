"""Budgets bound what is drawn, committed or not; the same steps are issued however many are in flight."""

from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest
from fakes import told

import sparq_core as sparq
from sparq_core.loop.engine import Engine
from sparq_core.loop.phases import Phases
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]
PRICES = {"input": 1.0, "output": 2.0}
BUDGETS: dict[str, dict[str, float]] = {
    "attempts": {"attempts": 100},
    "tokens": {"tokens": 900},
    "cost": {"cost": 0.002},
}


def priced() -> dict[str, Any]:
    return {"student": {"use": "scripted", "model": "sums", "prices": PRICES, "with": {"delay": 0.002}}}


def digest(ran: Ran) -> str:
    with ran.read() as ledger:
        return ledger.last_digest()


@pytest.mark.parametrize("budget", BUDGETS.values(), ids=BUDGETS)
def test_a_budget_ends_a_run_at_the_same_step_whatever_is_in_flight(
    sums: Make, tmp_path: Path, budget: dict[str, float]
) -> None:
    ran = [
        run_pipeline(sums(models=priced(), budget=budget, in_flight=n, steps=40), tmp_path / str(n)) for n in (1, 3, 16)
    ]
    assert len({digest(one) for one in ran}) == 1
    assert ran[0].ending.exit_code == 3
    assert ran[0].ending.reason.startswith(f"budget.{next(iter(budget))} reached")


@pytest.mark.parametrize("in_flight", [1, 16])
def test_attempts_exceed_their_budget_by_less_than_a_step(sums: Make, tmp_path: Path, in_flight: int) -> None:
    ran = run_pipeline(sums(budget={"attempts": 100}, in_flight=in_flight, steps=40), tmp_path)
    assert 100 <= ran.ending.tally.attempts < 100 + 6 * 8


def test_a_step_proposed_just_after_others_were_admitted_is_still_waited_for(
    sums: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit = Engine._admit_proposed

    def late(engine: Engine, awaited: int) -> None:
        admit(engine, awaited)
        wait([flight.next_future for flight in engine._flights.values()])

    alone = run_pipeline(sums(budget={"attempts": 100}, in_flight=1, steps=40), tmp_path / "alone")
    monkeypatch.setattr(Engine, "_admit_proposed", late)
    ran = run_pipeline(sums(budget={"attempts": 100}, in_flight=16, steps=40), tmp_path / "late")
    assert digest(ran) == digest(alone)


def test_a_run_stopped_by_a_budget_goes_on_as_if_it_had_not_been(sums: Make, tmp_path: Path) -> None:
    run_pipeline(sums("map-elites", budget={"attempts": 100}), tmp_path / "parts")
    parts = run_pipeline(sums("map-elites"), tmp_path / "parts", resume=True)
    assert digest(parts) == digest(run_pipeline(sums("map-elites"), tmp_path / "whole"))


ENDLESS = """
import sparq_core as sparq
class Endless:
    @sparq.hookimpl
    def screen(self, children, llm):
        while children[0].id.startswith("1.2."):
            llm("labeller").complete(["Is this a good problem?"], sparq.Sampling())
        return [None] * len(children)
"""


@pytest.mark.parametrize("budget", [{"tokens": 3_000}, {"cost": 0.01}], ids=["tokens", "cost"])
def test_a_plugin_that_asks_without_end_is_stopped_by_the_budget(
    sums: Make, tmp_path: Path, budget: dict[str, float]
) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    pipeline = sums(models=priced(), budget=budget, in_flight=2, attempts={"k": 8, "max_tokens": 20})
    pipeline["models"]["student"]["with"]["delay"] = 0.0
    pipeline["plugins"].append({"use": "./endless.py:Endless"})
    with pytest.raises(sparq.SparqError, match="a plugin is calling its model endlessly"):
        run_pipeline(pipeline, tmp_path)
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert ledger.steps_of(1) == 1


@pytest.mark.parametrize(("select", "in_flight"), [("static-uniform", 3), ("map-elites", 8)])
@pytest.mark.parametrize("first", [5, 9])
def test_a_round_ends_where_no_problem_may_be_a_parent(
    sums: Make, tmp_path: Path, select: str, in_flight: int, first: int
) -> None:
    """Forty seeds have a child each; only a dynamic selector, once what is in flight is folded, has others to go on with."""

    def pipeline(**settings: Any) -> dict[str, Any]:
        made = sums(select, in_flight=in_flight, **{"steps": 40, **settings})
        made["plugins"][1]["with"] = {"max_children": 1}
        return made

    ran = run_pipeline(pipeline(), tmp_path / "whole")
    assert ran.ending.reason == "done"
    (warning,) = [e.message for e in ran.events if isinstance(e, sparq.Warned) and "ends after" in e.message]
    assert "max_children is 1" in warning
    with ran.read() as ledger:
        steps = ledger.steps_of(1)
    assert steps == 6 if select == "static-uniform" else 6 < steps < 40
    run_pipeline(pipeline(steps=first), tmp_path / "parts")
    assert digest(run_pipeline(pipeline(), tmp_path / "parts", resume=True)) == digest(ran)


class Kill(BaseException):
    """As if by kill −9."""


def test_a_run_killed_after_its_budget_was_reached_still_ends_its_round(
    trains: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Kill

    pipeline = trains(rounds=2, budget={"kept": 1})
    monkeypatch.setattr(Phases, "curate", killed)
    with pytest.raises(Kill):
        run_pipeline(pipeline, tmp_path)
    monkeypatch.undo()
    ran = run_pipeline(pipeline, tmp_path, resume=True)
    assert ran.ending.exit_code == 3
    assert [round_ for round_, _ in told(tmp_path, "given")] == [1]


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_budget_that_the_last_steps_of_a_round_reach_ends_the_run_in_that_round(
    sums: Make, tmp_path: Path, rounds: int
) -> None:
    kept = run_pipeline(sums(steps=4), tmp_path / "whole").ending.tally.outcomes["kept"]
    for in_flight in (1, 4):
        pipeline = sums(steps=4, rounds=rounds, in_flight=in_flight, budget={"kept": kept})
        ran = run_pipeline(pipeline, tmp_path / str(in_flight))
        again = run_pipeline(pipeline, tmp_path / str(in_flight), resume=True)
        for one in (ran, again):
            assert (one.ending.exit_code, one.ending.reason) == (3, f"budget.kept reached: {kept} of {kept}")
        with ran.read() as ledger:
            assert list(ledger.query("SELECT DISTINCT round FROM phase")) == [(1,)]
