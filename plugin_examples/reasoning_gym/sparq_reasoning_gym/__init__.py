"""The procedural families of reasoning-gym: seeds by naming them, verification by their own scorers."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, ClassVar, NamedTuple, cast

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_reasoning_gym.items import EVALUATING, Item, families, make_item
from sparq_reasoning_gym.scoring import Scorers
from sparq_sandbox import Outcome, available

UNDECIDED = frozenset({"timeout", "memory", "killed"})
"""Endings of a scorer that say nothing about the answer."""


class ReasoningGymConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `reasoning-gym`."""

    families: Annotated[list[str], Meta(min_length=1, description="Names of reasoning-gym's datasets.")]
    seeds: Annotated[sparq.Positive, Meta(description="Seed problems of each family.")] = 4
    levels: Annotated[sparq.Positive, Meta(description="How far children go up the family's curriculum.")] = 4
    right: Annotated[
        float, Meta(gt=0, le=1, description="From which score on an answer is right; what is below 1 is partly right.")
    ] = 1.0
    seconds: Annotated[float, Meta(ge=0.01, le=600, description="CPU seconds a scorer may take for an answer.")] = 2.0
    memory: Annotated[int, Meta(ge=16, le=65_536, description="MiB a scorer may take.")] = 256


class Wanted(NamedTuple):
    """An item to be made, and of what parents."""

    family: str
    level: int
    seed: int
    parents: tuple[str, ...]

    def draft(self, item: Item, fault: str) -> sparq.Draft:
        return sparq.Draft(
            statement=item["question"],
            answer=item["answer"],
            extra={"family": self.family, "level": self.level, "item": item},
            parents=self.parents,
            operator="another item" if self.parents else "seed",
            unparsed=fault,
        )

    def unmade(self, why: str) -> sparq.Draft:
        return sparq.Draft(parents=self.parents, operator="another item" if self.parents else "seed", unparsed=why)


class ReasoningGym:
    r"""
    A domain: tasks of reasoning-gym's families. What an answer, the last `\boxed{}`, is worth its family's scorer says.

    A child is another item of its parent's family, a level up, down or the same; no model writes it, since a scorer needs to
    know how an item was made. Described by `family` and `level`.
    """

    describes: ClassVar[tuple[str, ...]] = ("family", "level")
    requires: ClassVar[Mapping[str, str]] = {"reasoning_gym": "reasoning-gym==0.1.25"}
    version: ClassVar[str] = "1"

    def __init__(self, config: ReasoningGymConfig) -> None:
        self._config = config
        self._scorers: Scorers | None = None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        messages = [message for name in self._config.families if (message := unfit(name))]
        findings = [sparq.Finding(level="error", place="with.families", message=message) for message in messages]
        if state := available():
            return findings
        return [
            *findings,
            sparq.Finding(level="error", place="use", message=f"scorers cannot be confined: {state.why}"),
        ]

    @sparq.hookimpl
    def start(self) -> None:
        families()
        self._scorers = Scorers(self._config.seconds, self._config.memory)

    @sparq.hookimpl
    def stop(self) -> None:
        if self._scorers is not None:
            self._scorers.close()

    @sparq.hookimpl
    def load_seeds(self) -> list[sparq.Draft]:
        return self.drafts(
            [Wanted(name, 0, i, ()) for name in self._config.families for i in range(self._config.seeds)]
        )

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], rng: Random) -> list[sparq.Draft]:
        known = [(parent.id, task) for parent in parents if (task := task_of(parent))]
        return self.drafts([self._another(parent, family, level, rng) for parent, (family, level, _) in known])

    def _another(self, parent: str, family: str, level: int, rng: Random) -> Wanted:
        level += rng.choice((-1, 0, 1, 1))
        return Wanted(family, min(max(0, level), self._config.levels - 1), rng.getrandbits(31), (parent,))

    def drafts(self, wanted: Sequence[Wanted]) -> list[sparq.Draft]:
        """A draft for each of these; one whose scorer fails its own answer is none."""
        assert self._scorers is not None  # noqa: S101 -- `start` made them
        made = [make_item(each.family, each.level, each.seed) for each in wanted]
        items = [(w.family, item) for w, item in zip(wanted, made, strict=True) if not isinstance(item, str)]
        faults = iter(self._scorers.faults(items))
        return [
            each.unmade(item) if isinstance(item, str) else each.draft(item, next(faults))
            for each, item in zip(wanted, made, strict=True)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        known: dict[tuple[str, str], sparq.Verdict] = {}
        return [self._verify(trial, known) for trial in trials]

    def _verify(self, trial: sparq.Trial, known: dict[tuple[str, str], sparq.Verdict]) -> sparq.Verdict | None:
        task, answer = task_of(trial.problem), sparq.last_boxed(trial.attempt.text)
        if task is None:
            return None
        if not answer and trial.attempt.finish != "stop":
            return sparq.Verdict(value="unknown", reason="truncated")
        if not answer:
            return sparq.Verdict(value="incorrect", reason="no-answer")
        if (trial.problem.id, answer) not in known:
            known[trial.problem.id, answer] = self._scored(task[0], task[2], answer)
        return known[trial.problem.id, answer]

    def _scored(self, family: str, item: Item, answer: str) -> sparq.Verdict:
        assert self._scorers is not None  # noqa: S101 -- `start` made them
        outcome: Outcome = self._scorers.score(family, item, answer)
        if outcome.reason is not None:
            value: sparq.Value = "unknown" if outcome.reason in UNDECIDED else "incorrect"
            return sparq.Verdict(value=value, reason=f"scorer: {outcome.reason}", answer=answer)
        right = isinstance(outcome.value, float) and outcome.value >= self._config.right
        return sparq.Verdict(value="correct" if right else "incorrect", reason="score", answer=answer)

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, str | int | None]]:
        tasks = [task_of(case.problem) for case in cases]
        return [{"family": task and task[0], "level": task and task[1]} for task in tasks]


def unfit(family: str) -> str:
    """Why a family cannot be used, or nothing."""
    if family not in families():
        return f"reasoning-gym has no family '{family}'; {sparq.nearest(family, families())}"
    if family in EVALUATING:
        return f"the scorer of '{family}' runs the answer as Python, so an answer could forge its score; leave it out"
    return ""


def task_of(problem: sparq.Problem) -> tuple[str, int, Item] | None:
    """The family, level and item that a problem is; None where its `extra` holds none."""
    family, level, item = (problem.extra.get(key) for key in ("family", "level", "item"))
    if not isinstance(family, str) or not isinstance(level, int) or not isinstance(item, Mapping):
        return None
    return family, level, cast("Item", item)
