"""A run in memory, of stand-ins alone: real steps, events and a ledger for what a plugin meets only in a run."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.config import AttemptsConfig, ModelConfig, Pipeline, PluginConfig
from sparq_core.contract.events import Event, RunEnded, RunStarted, StepCommitted
from sparq_core.contract.records import (
    Assessment,
    Case,
    Counts,
    Draft,
    Model,
    Outcome,
    Problem,
    Step,
    Trial,
    Verdict,
)
from sparq_core.contract.run import Run
from sparq_core.hookspecs import hookimpl
from sparq_core.ledger.reader import Reader
from sparq_core.loop.trial import trial
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.prepare import Prepared
from sparq_core.testing.scripted import Scripted, ScriptedConfig
from sparq_core.testing.trials import first_is_right

MODEL = "models.student"


class AnyAssess:
    """Stands for the plugin that assesses."""

    @hookimpl
    def assess(self, cases: Sequence[Case]) -> list[Assessment]:
        return [Assessment(outcome=self.decide(case.counts), quality=1 - (case.solve_rate or 0)) for case in cases]

    def decide(self, counts: Counts) -> Outcome:
        return "kept" if counts.correct and counts.incorrect else "out-of-band"


class _StandIn:
    """Every other plugin that a run needs, in one; children differ from their parents in a number at the end."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems

    @hookimpl
    def load_seeds(self) -> list[Draft]:
        return [
            Draft(statement=p.statement, answer=p.answer, solution=p.solution, extra=p.extra) for p in self._problems
        ]

    @hookimpl
    def select(self, n: int) -> list[str]:
        return [f"0.1.{i % len(self._problems)}" for i in range(n)]

    @hookimpl
    def propose(self, parents: Sequence[Problem], rng: Random) -> list[Draft]:
        drafts = [
            Draft(
                statement=f"{parent.statement} {rng.randint(1, 9)}",
                answer=parent.answer,
                solution=parent.solution,
                extra=parent.extra,
                parents=(parent.id,),
                operator="rehearsed",
            )
            for parent in parents
        ]
        return [*drafts[1:], Draft(parents=(parents[0].id,), operator="rehearsed", unparsed="no problem in it")]

    @hookimpl
    def screen(self, children: Sequence[Problem]) -> list[str | None]:
        return ["rehearsed" if child.id.endswith(".2") and not child.is_seed else None for child in children]

    @hookimpl
    def verify(self, trials: Sequence[Trial]) -> list[Verdict]:
        return [
            replace(verdict, value="correct" if trial.attempt.seed % 3 else verdict.value)
            for trial, verdict in zip(trials, first_is_right(trials), strict=True)
        ]

    @hookimpl
    def describe(self, cases: Sequence[Case]) -> list[dict[str, list[str]]]:
        return [{"skills": ["rehearsal", f"ends in {case.problem.statement[-1:]}"]} for case in cases]


class Rehearsal(Struct, frozen=True):
    """What a run in memory came to."""

    steps: Sequence[Step]
    events: Sequence[Event]
    ledger: Reader


def run_of(*uses: str, model: str = "scripted") -> Run:
    """A run as plugins see it: one model, plays all roles; nothing of it is on disk."""
    pipeline = Pipeline(
        name="check",
        steps=1,
        batch=8,
        models={"student": ModelConfig(use="scripted", model=model)},
        attempts=AttemptsConfig(k=4, seeds=True),
        plugins=[PluginConfig(use=use) for use in uses],
    )
    student = Model(name="student", path=model, digest=model)
    return Run(pipeline=pipeline, base=Path.cwd(), folder=None, models={"student": student})


def member(plugin: object, place: str = "check_plugin") -> Member:
    """A plugin of the cast that no pipeline names."""
    name = place if place == MODEL else type(plugin).__name__
    return Member(name, place, plugin, None, "test")


def rehearse(problems: Sequence[Problem]) -> Rehearsal:
    """A run whose seeds are these problems."""
    cast = Cast([member(Scripted(ScriptedConfig()), MODEL), member(_StandIn(problems)), member(AnyAssess())])
    events: list[Event] = []
    run = run_of("_StandIn", "AnyAssess")
    ledger = trial(Prepared(run, cast, ""), events.append).ledger
    steps = [ledger.step(number, 1) for number in (0, 1)]
    return Rehearsal(steps, list(_told(run, steps, ledger, events)), ledger)


def _told(run: Run, steps: Sequence[Step], ledger: Reader, events: Sequence[Event]) -> Iterator[Event]:
    yield RunStarted(run.pipeline.name, None, resumed=False, rounds=1, steps=1, tally=ledger.tally())
    yield from events
    for step in steps:
        yield StepCommitted(step.round, step.step, ledger.tally(), {})
    yield RunEnded("done", ledger.tally())
