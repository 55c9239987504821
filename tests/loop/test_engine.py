"""The loop: what a run makes does not depend on how it was scheduled or interrupted."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.cli import preview, status
from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.tally import Tally
from sparq_core.ledger import dataset
from sparq_core.loop import session, trial
from sparq_core.loop.rounds import steps_in_flight
from sparq_core.pipeline import prepare
from sparq_core.pipeline.settings import convert
from sparq_core.testing import Ran, run_pipeline


def exported(ran: Ran) -> str:
    ledger = ran.read()
    return "\n".join(json.dumps(row) for row in dataset.rows(ledger, dataset.chosen(ledger)))


def digest(ran: Ran) -> str:
    return ran.read().last_digest()


@pytest.mark.parametrize("select", ["static-uniform", "map-elites"])
def test_two_runs_of_a_pipeline_are_identical(sums: Callable[..., Any], tmp_path: Path, select: str) -> None:
    one, two = (run_pipeline(sums(select), tmp_path / name) for name in ("one", "two"))
    assert digest(one) == digest(two) != ""
    assert exported(one) == exported(two) != ""


@pytest.mark.parametrize("admit", [False, True])
def test_a_static_run_does_not_depend_on_steps_in_flight(sums: Callable[..., Any], tmp_path: Path, admit: bool) -> None:
    one, eight = (run_pipeline(sums(admit=admit, in_flight=n), tmp_path / str(n)) for n in (1, 8))
    assert digest(one) == digest(eight)
    assert exported(one) == exported(eight)


def test_another_seed_is_another_run(sums: Callable[..., Any], tmp_path: Path) -> None:
    one, two = (run_pipeline(sums(seed=n), tmp_path / str(n)) for n in (1, 2))
    assert digest(one) != digest(two)


class Interrupter:
    """Asks for a stop after so many committed steps."""

    def __init__(self, after: int) -> None:
        self._left = after

    def __call__(self, event: sparq.Event) -> None:
        self._left -= isinstance(event, sparq.StepCommitted)

    def asked(self) -> bool:
        return self._left <= 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    select=st.sampled_from(["static-uniform", "map-elites"]),
    in_flight=st.integers(1, 6),
    stops=st.lists(st.integers(1, 9), max_size=3),
)
def test_an_interrupted_run_ends_as_an_uninterrupted_one(
    sums: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, select: str, in_flight: int, stops: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    whole = run_pipeline(sums(select, in_flight=in_flight), folder / "whole")
    (folder / "pipeline.yaml").write_text(json.dumps(sums(select, in_flight=in_flight)))
    for after in stops:
        interrupter = Interrupter(after)
        loaded = prepare.load(folder / "pipeline.yaml")
        session.execute(loaded, folder / "parts" / "run", True, [interrupter], interrupter.asked)
    parts = run_pipeline(sums(select, in_flight=in_flight), folder / "parts", resume=True)
    assert digest(parts) == digest(whole)
    assert exported(parts) == exported(whole)


def test_select_sees_exactly_the_steps_up_to_its_horizon(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "spy.py").write_text(
        """
import json, sparq_core as sparq
class Spy:
    def __init__(self): self.seen, self.seeds, self.calls = [], [], []
    @sparq.hookimpl
    def commit(self, step):
        if step.round: self.seen.append(step.step)
        else: self.seeds += [c.problem.id for c in step.children]
    @sparq.hookimpl
    def select(self, rng, n, step, pending):
        self.calls.append([step, list(self.seen), len(pending)])
        return rng.choices(self.seeds, k=n)
    @sparq.hookimpl
    def stop(self, run):
        (run.base / "calls.json").write_text(json.dumps(self.calls))
"""
    )
    pipeline = sums("./spy.py:Spy", steps=6)
    run_pipeline(pipeline, tmp_path)
    calls = json.loads((tmp_path / "calls.json").read_text())
    horizons = {step: len(seen) for step, seen, _ in calls}
    assert horizons == {1: 0, 2: 0, 3: 0, 4: 1, 5: 2, 6: 3}
    assert [pending for *_, pending in calls] == [0, 6, 12, 12, 12, 12]


def test_in_flight_is_part_of_a_dynamic_runs_identity(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums("map-elites", steps=2), tmp_path)
    with pytest.raises(sparq.PipelineError, match=r"in_flight: 3 → 4"):
        run_pipeline(sums("map-elites", steps=2, in_flight=4), tmp_path, resume=True)


def test_a_static_run_may_be_resumed_with_other_steps_in_flight(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=4), tmp_path / "parts")
    parts = run_pipeline(sums(in_flight=7), tmp_path / "parts", resume=True)
    assert digest(parts) == digest(run_pipeline(sums(), tmp_path / "whole"))


def test_a_run_can_be_extended(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=4), tmp_path / "parts")
    longer = run_pipeline(sums(steps=10), tmp_path / "parts", resume=True)
    assert digest(longer) == digest(run_pipeline(sums(steps=10), tmp_path / "whole"))
    assert exported(longer) == exported(run_pipeline(sums(steps=10), tmp_path / "again"))


def test_an_earlier_round_is_closed_once_the_next_has_begun(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=3, rounds=2), tmp_path)
    ledger = run_pipeline(sums(steps=5, rounds=2), tmp_path, resume=True).read()
    assert (ledger.steps_of(1), ledger.steps_of(2)) == (3, 5)


def test_admit_that_changes_its_mind_stops_the_resume(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "moody.py").write_text(
        """
import pathlib, sparq_core as sparq
class Moody:
    @sparq.hookimpl
    def start(self, run):
        mood = run.base / "mood"
        self.reason = "again" if mood.exists() else None
        mood.touch()
    @sparq.hookimpl
    def admit(self, children):
        return [self.reason for _ in children]
"""
    )
    pipeline = sums(steps=2, admit=False)
    pipeline["plugins"].append({"use": "./moody.py:Moody"})
    run_pipeline(pipeline, tmp_path)
    with pytest.raises(sparq.SparqError, match=r"answered differently for problem 0\.1\.0"):
        run_pipeline(pipeline, tmp_path, resume=True)


def test_a_failing_hook_stops_the_run_resumably_and_is_named(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text(
        """
import sparq_core as sparq
class Fails:
    @sparq.hookimpl
    def screen(self, children):
        if children[0].id.startswith("1.5."): raise RuntimeError("out of luck")
        return [None] * len(children)
"""
    )
    pipeline = sums(steps=8)
    pipeline["plugins"].append({"use": "./fails.py:Fails"})
    told = r"plugin './fails.py:Fails' \(plugins\[7\]\), hook `screen`, step 1.5: RuntimeError: out of luck"
    with pytest.raises(sparq.PluginError, match=told):
        run_pipeline(pipeline, tmp_path)
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert ledger.steps_of(1) == 4


def test_an_observer_that_raises_is_disabled_once(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "clumsy.py").write_text(
        """
import sparq_core as sparq
class Clumsy:
    @sparq.hookimpl
    def observe(self, event): raise ValueError("oops")
"""
    )
    pipeline = sums(steps=2)
    pipeline["plugins"].append({"use": "./clumsy.py:Clumsy"})
    ran = run_pipeline(pipeline, tmp_path)
    warnings = [e.message for e in ran.events if isinstance(e, sparq.Warned)]
    assert warnings == ["observer './clumsy.py:Clumsy' is disabled: ValueError: oops"]


def test_replayed_steps_emit_no_events(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=4), tmp_path)
    again = run_pipeline(sums(steps=4), tmp_path, resume=True)
    assert not [event for event in again.events if isinstance(event, sparq.StepCommitted)]


def test_no_attempt_is_sampled_again_on_resume(sums: Callable[..., Any], tmp_path: Path) -> None:
    run_pipeline(sums(steps=4), tmp_path)
    ledger = run_pipeline(sums(steps=6), tmp_path, resume=True).read()
    attempts = list(ledger.query("SELECT problem, k, count(*) FROM attempt GROUP BY problem, k HAVING count(*) > 1"))
    assert attempts == []


def test_conservation_is_asserted(sums: Callable[..., Any], tmp_path: Path) -> None:
    import sqlite3

    run_pipeline(sums(steps=2), tmp_path)
    connection = sqlite3.connect(tmp_path / "run" / "sparq.db")
    connection.execute("DELETE FROM verdict WHERE attempt = 5")
    connection.commit()
    connection.close()
    with pytest.raises(sparq.SparqError, match="attempts = verdicts fails"):
        run_pipeline(sums(steps=2), tmp_path, resume=True)


def test_counts_add_up(sums: Callable[..., Any], tmp_path: Path) -> None:
    tally = run_pipeline(sums(), tmp_path).ending.tally
    assert tally.children == 60 == sum(tally.outcomes.values())
    assert tally.attempts == 8 * (60 - tally.outcomes["rejected"])
    assert tally.seeds == tally.seeds_kept == 40


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


def test_steps_in_flight_fill_the_sampler(sums: Callable[..., Any]) -> None:
    def steps(slots: int | None, **settings: Any) -> int:
        return steps_in_flight(convert(sums(in_flight="auto", **settings), Pipeline, "p"), slots)

    assert steps(None) == 4
    assert steps(256, batch=64) == 32
    assert steps(1, batch=64) == 2
    assert steps(4096, batch=64, attempts={"k": 16, "max_tokens": 8192}) == 32
    assert steps(10**6) == 256
    assert steps_in_flight(convert(sums(in_flight=7), Pipeline, "p"), 256) == 7


def test_a_run_with_steps_in_flight_by_itself_is_the_same(sums: Callable[..., Any], tmp_path: Path) -> None:
    assert digest(run_pipeline(sums(in_flight="auto"), tmp_path / "auto")) == digest(
        run_pipeline(sums(), tmp_path / "3")
    )


@pytest.mark.parametrize("settings", [{"select": "map-elites"}, {"attempts": {"k": 8, "again": 2}}])
def test_auto_is_refused_where_it_would_change_the_run(
    sums: Callable[..., Any], tmp_path: Path, settings: dict[str, Any]
) -> None:
    with pytest.raises(PipelineError, match="in_flight: what a step does here depends on how many are in flight"):
        run_pipeline(sums(in_flight="auto", **settings), tmp_path)


def test_idle_shares_are_measured(sums: Callable[..., Any], tmp_path: Path) -> None:
    slow = {"student": {"use": "scripted", "model": "sums", "with": {"delay": 0.15}}}
    ran = run_pipeline(sums(models=slow, in_flight=1, steps=6), tmp_path)
    busy = ran.ending.tally.busy
    assert 0 <= busy.grading < busy.sampling <= busy.watched > 1.0
    assert busy.watched <= ran.ending.tally.seconds + 0.2
    assert status.idle(ran.ending.tally)["sampler"] < 0.7
    assert status.idle(Tally()) == {}


def test_a_sampler_is_opened_once_for_seeds_and_round(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(
        "import sparq_core as sparq\nfrom sparq_core.testing import Scripted, ScriptedSampler\nOPENED = []\n"
        "class Counting:\n    @sparq.hookimpl\n    def sampler(self):\n"
        "        with open(__file__ + '.log', 'a') as log:\n            log.write('x')\n        return ScriptedSampler()\n"
    )
    ran = run_pipeline(sums(models={"student": {"use": "./counting.py:Counting", "model": "sums"}}, rounds=2), tmp_path)
    assert ran.ending.exit_code == 0
    assert (tmp_path / "counting.py.log").read_text() == "x"


def priced(**prices: float) -> dict[str, Any]:
    return {"student": {"use": "scripted", "model": "sums", "prices": prices}}


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


def test_hours_are_summed_over_sessions(sums: Callable[..., Any], tmp_path: Path) -> None:
    slow = {"student": {"use": "scripted", "model": "sums", "with": {"delay": 0.05}}}
    first = run_pipeline(sums(models=slow, budget={"attempts": 1}), tmp_path)
    assert first.ending.tally.seconds > 0
    budget = {"hours": (first.ending.tally.seconds + 0.3) / 3600}
    ran = run_pipeline(sums(models=slow, budget=budget, steps=200), tmp_path, resume=True)
    assert ran.ending.reason.startswith("budget.hours reached")
    assert first.ending.tally.seconds < ran.ending.tally.seconds
    again = run_pipeline(sums(models=slow, budget=budget, steps=200), tmp_path, resume=True)
    assert again.ending.tally.seconds == ran.ending.tally.seconds
    assert digest(again) == digest(ran)


def test_the_estimate_of_a_preview_is_near_the_run(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(models=priced(input=1.0, output=2.0), steps=40)
    tally = run_pipeline(pipeline, tmp_path).ending.tally
    loaded = prepare.load(tmp_path / "pipeline.yaml")
    ledger, _ = trial.trial(loaded, lambda _: None)
    whole = preview.estimate(ledger, loaded.run.pipeline, 40)
    assert whole.tokens == pytest.approx(tally.tokens, rel=0.3)
    assert whole.prompt_tokens == pytest.approx(tally.prompt_tokens, rel=0.3)
    assert whole.cost == pytest.approx(tally.cost, rel=0.3)
    assert "Estimate for 40 steps of 6 parents" in preview.estimated(ledger, loaded.run.pipeline, 40)


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


def test_why_attempts_were_judged_so_is_counted(sums: Callable[..., Any], tmp_path: Path) -> None:
    tally = run_pipeline(sums(), tmp_path).ending.tally
    assert sum(tally.why.values()) == tally.attempts
    assert {why.partition(": ")[0] for why in tally.why} <= {"correct", "incorrect", "unknown"}
    assert "correct: same" in tally.why


def test_verdicts_of_another_version_do_not_mix(
    sums: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_pipeline(sums(steps=2), tmp_path)
    monkeypatch.setattr("sparq_sympy.Sympy.version", "0.test")
    with pytest.raises(sparq.PipelineError, match=r'sympy.version: "1" → "0.test"'):
        run_pipeline(sums(steps=3), tmp_path, resume=True)


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


class _Sampler:
    deterministic = True
    digest = "x"

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        self.seeds += [r.seed for r in requests]
        return [[sparq.Completion(text="", finish="stop", tokens=1)] * r.n for r in requests]

    def close(self) -> None:
        pass


def test_llm_seeds_follow_from_place_and_ordinal() -> None:
    samplers = [_Sampler(), _Sampler()]
    for sampler, split in zip(samplers, (1, 3), strict=True):
        llm = sparq.Llm((1, 2, 3), "propose", "mutate", lambda _, s=sampler: s)  # type: ignore[misc] # bound early
        prompts = [str(i) for i in range(4)]
        llm("generator").complete(prompts[:split], sparq.Sampling())
        llm("generator").complete(prompts[split:], sparq.Sampling())
        assert [r.ordinal for r in llm.recorded] == [0, 1, 2, 3]
    assert samplers[0].seeds == samplers[1].seeds
    assert len(set(samplers[0].seeds)) == 4
