"""The loop: what a run makes does not depend on how it was scheduled or interrupted."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import Interrupter, digest, exported

import sparq_core as sparq
from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError
from sparq_core.loop import session
from sparq_core.loop.in_flight import memory, steps_in_flight
from sparq_core.pipeline import prepare
from sparq_core.pipeline.settings import convert
from sparq_core.testing import run_pipeline


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


def test_steps_in_flight_fill_the_sampler(sums: Callable[..., Any]) -> None:
    def steps(slots: int | None, **settings: Any) -> int:
        return steps_in_flight(convert(sums(in_flight="auto", **settings), Pipeline, "p"), slots, 4 * 2**30)

    assert steps(None) == 4
    assert steps(256, batch=64) == 32
    assert steps(1, batch=64) == 2
    assert steps(4096, batch=64, attempts={"k": 16, "max_tokens": 8192}) == 32
    assert steps(10**6) == 256
    assert steps_in_flight(convert(sums(in_flight=7), Pipeline, "p"), 256, 0) == 7


def test_steps_in_flight_fill_512_engines_where_there_is_memory_for_their_texts(sums: Callable[..., Any]) -> None:
    pipeline = convert(sums(in_flight="auto", batch=256, attempts={"k": 16, "max_tokens": 2048}), Pipeline, "p")
    assert [steps_in_flight(pipeline, 512 * 256, gigabytes * 2**30) for gigabytes in (0, 4, 24, 256)] == [
        2,
        32,
        192,
        256,
    ]
    assert 2**28 < memory() < 2**50


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


def test_verdicts_of_another_version_do_not_mix(
    sums: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_pipeline(sums(steps=2), tmp_path)
    monkeypatch.setattr("sparq_sympy.Sympy.version", "0.test")
    with pytest.raises(sparq.PipelineError, match=r'sympy.version: "3" → "0.test"'):
        run_pipeline(sums(steps=3), tmp_path, resume=True)


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
