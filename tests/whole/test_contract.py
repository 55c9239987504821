"""Every built-in keeps the contract that strangers' plugins are held to; every hook does what its page says."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_assess import Band, BandConfig, Learnability, LearnabilityConfig, Majority, MajorityConfig
from sparq_audit import SecondOpinion, SecondOpinionConfig
from sparq_core.testing import check_plugin, run_pipeline
from sparq_mapelites import (
    DynamicUniform,
    DynamicUniformConfig,
    MapElites,
    MapElitesConfig,
    StaticConfig,
    StaticDiverse,
    StaticUniform,
)
from sparq_mutate import Mutate, MutateConfig
from sparq_policies import Bayes, BayesConfig, Pilot, PilotConfig, Settled, SettledConfig
from sparq_screen import Duplicates, DuplicatesConfig, Lengths, LengthsConfig
from sparq_screen.judge import Judge, JudgeConfig
from sparq_skills import Skills, SkillsConfig
from sparq_sympy import Sympy, SympyConfig


def started_duplicates() -> Duplicates:
    plugin = Duplicates(DuplicatesConfig())
    plugin.start()
    return plugin


@pytest.mark.parametrize(
    "plugin",
    [
        Mutate(MutateConfig()),
        Skills(SkillsConfig()),
        Lengths(LengthsConfig()),
        started_duplicates(),
        StaticUniform(StaticConfig()),
        StaticDiverse(StaticConfig()),
        DynamicUniform(DynamicUniformConfig()),
        MapElites(MapElitesConfig()),
        Sympy(SympyConfig()),
        Band(BandConfig()),
        Learnability(LearnabilityConfig()),
        Majority(MajorityConfig()),
        Settled(SettledConfig()),
        Pilot(PilotConfig()),
        Bayes(BayesConfig(from_parents=2.0)),
        Judge(JudgeConfig()),
        SecondOpinion(SecondOpinionConfig()),
    ],
    ids=lambda p: type(p).__name__,
)
def test_built_ins_keep_the_contract(plugin: object) -> None:
    check_plugin(plugin)


class Short:
    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        return [{} for _ in cases[1:]]


class Meddler:
    @sparq.hookimpl
    def describe(self, cases: list[sparq.Case]) -> list[dict[str, int]]:
        answer: list[dict[str, int]] = [{} for _ in cases]
        cases.reverse()
        return answer


class Mute:
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        return [{} for _ in cases]


class NeedsABox:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        answers = [sparq.last_boxed(trial.attempt.text) for trial in trials]
        return [sparq.Verdict(value="correct", answer=answer.upper()) for answer in answers]  # type: ignore[union-attr]


class NeedsAReference:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        same = [trial.problem.answer.strip() in trial.attempt.text for trial in trials]  # type: ignore[union-attr]
        return [sparq.Verdict(value="correct" if one else "incorrect") for one in same]


class Truth:
    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[bool]:
        return [True for _ in trials]


class Positional:
    @sparq.hookimpl
    def verify(self, attempts: Sequence[sparq.Trial]) -> list[None]:
        return [None for _ in attempts]


class Moody:
    def __init__(self) -> None:
        self.asked = 0

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, int]]:
        self.asked += 1
        return [{"asked": self.asked} for _ in cases]


class NeedsExtra:
    started = False

    @sparq.hookimpl
    def start(self) -> None:
        self.started = True

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        assert self.started
        return [sparq.Verdict(value="correct", reason=trial.problem.extra["table"]) for trial in trials]


def test_a_domains_plugin_is_played_problems_of_its_own() -> None:
    check_plugin(NeedsExtra(), problems=[sparq.Problem(id="1.1.0", statement="?", answer="1", extra={"table": "t"})])
    with pytest.raises(AssertionError, match="KeyError: 'table'"):
        check_plugin(NeedsExtra())


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Short(), "5 answers for a batch of 6"),
        (Meddler(), "changed the batch it was given"),
        (Mute(), "lacks @hookimpl"),
        (NeedsABox(), "hook `verify`, .*AttributeError: 'NoneType' object has no attribute 'upper'"),
        (NeedsAReference(), "hook `verify`, .*AttributeError: 'NoneType' object has no attribute 'strip'"),
        (Truth(), "one of the answers is a bool, not a Verdict"),
        (Positional(), "does not fit its hook"),
        (Moody(), "describe answers the same input in two ways"),
        (Mute, "give an object, not the class Mute"),
    ],
)
def test_the_contract_finds_what_is_broken(plugin: object, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_plugin(plugin)


RECORDER = """
import json, sparq_core as sparq
class Recorder:
    def __init__(self): self.heard = []
    @sparq.hookimpl
    def screen(self, children): self.heard.append("screen"); return [None] * len(children)
    @sparq.hookimpl
    def verify(self, trials): self.heard.append("verify"); return [None] * len(trials)
    @sparq.hookimpl
    def admit(self, children): self.heard.append("admit"); return [None] * len(children)
    @sparq.hookimpl
    def describe(self, cases): self.heard.append("describe"); return [{"heard": 1}] * len(cases)
    @sparq.hookimpl
    def commit(self, step): self.heard.append("commit"); return None
    @sparq.hookimpl
    def benchmark(self, model): self.heard.append("benchmark"); return [sparq.Score(task="t", item="1", value=1.0)]
    @sparq.hookimpl
    def observe(self, event): self.heard.append("observe")
    @sparq.hookimpl
    def check(self): self.heard.append("check"); return []
    @sparq.hookimpl
    def start(self, run): self.heard.append("start"); self.base = run.base
    @sparq.hookimpl
    def stop(self): (self.base / "heard.json").write_text(json.dumps([*self.heard, "stop"]))
"""


def test_hooks_are_called_in_the_order_of_the_loop(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "recorder.py").write_text(RECORDER)
    pipeline = sums(steps=1, in_flight=1)
    pipeline["plugins"].insert(0, {"use": "./recorder.py:Recorder"})
    run_pipeline(pipeline, tmp_path)
    heard = [hook for hook in json.loads((tmp_path / "heard.json").read_text()) if hook != "observe"]
    seeds = ["admit", "screen", "describe", "commit"]
    step = ["admit", "screen", "verify", "describe", "commit"]
    assert heard == ["check", "start", "benchmark", *seeds, *step, "stop"]


def test_event_log_writes_every_event(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=3)
    pipeline["plugins"].append({"use": "event-log"})
    ran = run_pipeline(pipeline, tmp_path)
    rows = [json.loads(line) for line in (ran.folder / "logs" / "events.jsonl").read_text().splitlines()]
    assert [row["event"] for row in rows] == [type(event).__name__ for event in ran.events]
    assert rows[-1]["tally"]["outcomes"] == ran.ending.tally.outcomes
