"""What a round is made of: seeds, roles and their prices, samplers, and weights that go on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runs import Interrupter, digest, priced

import sparq_core as sparq
from sparq_core.contract.tally import Tally
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline


def test_an_earlier_round_is_closed_once_the_next_has_begun(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=3, rounds=2), tmp_path)
    ledger = run_pipeline(sums(steps=5, rounds=2), tmp_path, resume=True).read()
    assert (ledger.steps_of(1), ledger.steps_of(2)) == (3, 5)


def test_idle_shares_are_measured(sums: Callable[..., Any], tmp_path: Path) -> None:
    slow = {"student": {"use": "scripted", "model": "sums", "with": {"delay": 0.15}}}
    ran = run_pipeline(sums(models=slow, in_flight=1, steps=6), tmp_path)
    busy = ran.ending.tally.busy
    assert 0 <= busy.grading < busy.sampling <= busy.watched > 1.0
    assert busy.watched <= ran.ending.tally.seconds + 0.2
    assert ran.ending.tally.busy.idle["sampler"] < 0.7
    assert Tally().busy.idle == {}


def test_parents_without_a_child_are_told_once_a_round(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(
        "import sparq_core as sparq\nclass Lazy:\n    @sparq.hookimpl\n    def propose(self, parents, rng):\n"
        "        return [sparq.Draft(statement=f'What is {rng.random()}?', answer='7', parents=(parents[0].id,))]\n"
    )
    pipeline = sums(rounds=2, steps=3)
    pipeline["plugins"] = [{"use": "./lazy.py:Lazy"}, *(p for p in pipeline["plugins"] if "mutate" not in str(p))]
    told = [e.message for e in run_pipeline(pipeline, tmp_path).events if isinstance(e, sparq.Warned)]
    about = [message for message in told if "parents have no child; `propose` answers" in message]
    assert [message.split(":")[0] for message in about] == ["step 1.1", "step 2.1"]
    whole = run_pipeline(sums(steps=3), tmp_path / "whole")
    assert not [e for e in whole.events if isinstance(e, sparq.Warned) and "no child" in e.message]


def test_a_sampler_is_opened_once_for_seeds_and_round(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(
        "import sparq_core as sparq\nfrom sparq_core.testing import Scripted, ScriptedSampler\nOPENED = []\n"
        "class Counting:\n    @sparq.hookimpl\n    def sampler(self):\n"
        "        with open(__file__ + '.log', 'a') as log:\n            log.write('x')\n        return ScriptedSampler()\n"
    )
    ran = run_pipeline(sums(models={"student": {"use": "./counting.py:Counting", "model": "sums"}}, rounds=2), tmp_path)
    assert ran.ending.exit_code == 0
    assert (tmp_path / "counting.py.log").read_text() == "x"


def test_money_is_counted_by_the_prices_and_ends_a_run_that_may_go_on(sums: Callable[..., Any], tmp_path: Path) -> None:
    models = priced(input=1000.0, output=3000.0)
    ran = run_pipeline(sums(models=models, budget={"cost": 5}), tmp_path)
    tally = ran.ending.tally
    assert tally.cost == pytest.approx((tally.prompt_tokens * 1000 + tally.tokens * 3000) / 1e6)
    assert (ran.ending.exit_code, ran.ending.reason[:20]) == (3, "budget.cost reached:")
    assert 0 < ran.read().steps_of(1) < 10
    dearer = run_pipeline(sums(models=priced(input=2000.0, output=6000.0), budget={"cost": 5}), tmp_path, resume=True)
    assert dearer.read().steps_of(1) == ran.read().steps_of(1)
    assert dearer.ending.tally.cost == pytest.approx(2 * (tally.cost or 0))
    more = run_pipeline(sums(), tmp_path, resume=True)
    assert more.ending.tally.cost is None
    assert digest(more) == digest(run_pipeline(sums(), tmp_path / "whole"))


def test_every_role_has_the_prices_of_its_model(sums: Callable[..., Any], tmp_path: Path) -> None:
    models = priced(input=0.0, output=1.0) | {"other": {"use": "scripted", "model": "sums"}}
    roles = {"generator": "student", "solver": "other", "labeller": "other"}
    ran = run_pipeline(sums(models=models, roles=roles), tmp_path)
    used = ran.ending.tally.used
    assert ran.ending.tally.cost == pytest.approx(used["generator"].sampled / 1e6)
    with ran.read() as ledger:
        rows = dict(ledger.query("SELECT role, sum(tokens) FROM completion GROUP BY role"))
        rows |= {"solver": next(ledger.query("SELECT sum(tokens) FROM attempt"))[0]}
        prompts = [n for (n,) in ledger.query("SELECT prompt_tokens FROM attempt WHERE k > 0")]
    assert {role: tokens.sampled for role, tokens in used.items()} == rows
    assert set(prompts) == {0}


def test_rounds_update_roles_and_keep_the_archive(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(sums(rounds=2, steps=3), tmp_path)
    ledger = ran.read()
    assert (ledger.steps_of(1), ledger.steps_of(2)) == (3, 3)
    niches = [ledger.step_row(r, s).metrics["filled_niches"] for r in (1, 2) for s in (1, 2, 3)]
    assert niches == sorted(niches)


def test_seeds_are_ingested_in_chunks_and_resumed(sums: Callable[..., Any], tmp_path: Path, seeds: Path) -> None:
    rows = [{"problem": f"What is {i} + {i + 1}?", "answer": str(2 * i + 1)} for i in range(1000)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "pipeline.yaml").write_text(msgspec.json.encode(sums(steps=1)).decode())
    interrupter = Interrupter(2)
    session.execute(prepare.load(tmp_path / "pipeline.yaml"), tmp_path / "run", True, [interrupter], interrupter.asked)
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert 2 <= ledger.steps_of(0) <= 4
    ran = run_pipeline(sums(steps=1), tmp_path, resume=True)
    assert ran.ending.tally.seeds == 1000
    assert digest(ran) == digest(run_pipeline(sums(steps=1), tmp_path / "whole"))


def test_attempted_seeds_have_a_solve_rate(sums: Callable[..., Any], tmp_path: Path) -> None:
    ledger = run_pipeline(sums(steps=1, attempts={"k": 8, "seeds": True}), tmp_path).read()
    (drawn,) = next(ledger.query("SELECT min(correct + incorrect + unknown) FROM outcome WHERE problem GLOB '0.*'"))
    assert drawn == 8
