"""The work of one step: propose, screen, attempt, verify, assess, describe. Stateless, so steps run side by side."""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.records import Assessment, Case, Child, Counts, Draft, Problem, Rejection
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Place, Recorded, Sampler
from sparq_core.ledger.entries import Retried, StepRecord, Worked
from sparq_core.loop.attempts import Attempts
from sparq_core.loop.occupancy import Gauge
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.guards import Ration, Rationing


class Candidate(Struct, frozen=True):
    """A child on its way through a step."""

    problem: Problem
    rejection: Rejection | None


class Proposed(Struct, frozen=True):
    """The children of a step before any plugin looked at them, and what they cost."""

    candidates: tuple[Candidate, ...]
    completions: tuple[Recorded, ...]


class Known(Struct, frozen=True):
    """What a step is told of its parents."""

    counts: Mapping[str, Counts] = {}
    """How their attempts came out, by id."""
    again: tuple[Retried, ...] = ()
    """Those to be attempted once more."""


class Slot(NamedTuple):
    """A step's place in the schedule."""

    round: int
    step: int
    horizon: int
    in_flight: int
    parents: tuple[str, ...]


class StepRunner:
    """Does the work of any step of a run; safe to use from several threads."""

    def __init__(self, run: Run, cast: Cast, serve: Callable[[str], Sampler], rationing: Rationing) -> None:
        self._cast, self._serve, self._rationing = cast, serve, rationing
        self._config, self._seed = run.pipeline.attempts, run.pipeline.seed
        self.grading = Gauge()
        self._attempts = Attempts(cast, self._config, self._seed, rationing, self.grading)

    @property
    def of_parents(self) -> bool:
        """Whether children are attempted by what the attempts at their parents came to."""
        return self._rationing.of_parents

    def propose(self, round: int, step: int, parents: Sequence[Problem]) -> Proposed:
        """Ask every proposing plugin for children of these parents."""
        place = Place(self._seed, round, step, self._serve)
        drafts = self._cast.propose(place, parents)
        return Proposed(candidates(round, step, drafts), place.completions)

    def work(self, slot: Slot, proposed: Proposed, known: Known) -> StepRecord:
        """Take the children still in the running through the rest of the step."""
        place = Place(self._seed, slot.round, slot.step, self._serve)
        children = turned_away(proposed.candidates, lambda problems: self._cast.screen(place, problems))
        problems = [child.problem for child in children if not child.rejection]
        cases, assessments, model = self._attempt(place, problems, known.counts)
        descriptors = self._describe(place, cases, assessments)
        live = iter(map(_worked, problems, cases, assessments, descriptors))
        worked = tuple(_rejected(c.problem, c.rejection) if c.rejection else next(live) for c in children)
        again, again_by = self._attempt_again(place, known.again)
        return StepRecord(
            round=slot.round,
            step=slot.step,
            horizon=slot.horizon,
            in_flight=slot.in_flight,
            parents=slot.parents,
            model=model or again_by,
            worked=worked,
            completions=(*proposed.completions, *place.completions),
            again=again,
        )

    def most_attempts(self, round: int, children: int, known: Known) -> int:
        """The most attempts that a step with so many children can draw."""
        first = children * self._config.k if round or self._config.seeds else 0
        return first + sum(ration.most for ration in self._further(known.again))

    def _attempt(
        self, place: Place, problems: Sequence[Problem], parents: Mapping[str, Counts]
    ) -> tuple[Sequence[Case], Sequence[Assessment], str]:
        if place.round == 0 and not self._config.seeds:
            passed = Assessment(outcome="kept", reason="seed")
            return [Case(problem, (), Counts()) for problem in problems], [passed] * len(problems), ""
        if not problems:
            return [], [], ""
        sampler = self._serve("solver")
        rations = [self._attempts.ration_of(problem, parents) for problem in problems]
        drawn = self._attempts.draw(place, problems, rations, sampler)
        settled = self._attempts.assess(str(place), list(zip(problems, drawn, rations, strict=True)))
        return [case for case, _ in settled], [assessment for _, assessment in settled], sampler.digest

    def _attempt_again(self, place: Place, parents: Sequence[Retried]) -> tuple[tuple[Retried, ...], str]:
        if not parents:
            return (), ""
        sampler, rations = self._serve("solver"), self._further(parents)
        problems = [parent.child.problem for parent in parents]
        drawn = self._attempts.draw(place, problems, rations, sampler)
        every = [(*parent.judged, *new) for parent, new in zip(parents, drawn, strict=True)]
        settled = self._attempts.assess(str(place), list(zip(problems, every, rations, strict=True)))
        return tuple(map(_retried, parents, settled)), sampler.digest

    def _further(self, parents: Sequence[Retried]) -> list[Ration]:
        """Further attempts at parents; all K where the present weights have not attempted them yet."""
        all_at_once = Rationing()
        return [all_at_once.ration(self._config.again if parent.judged else self._config.k) for parent in parents]

    def _describe(self, place: Place, cases: Sequence[Case], assessments: Sequence[Assessment]) -> list[dict[str, Any]]:
        """What is kept is described, and every seed: it may be a parent whatever attempts at it came to."""
        wanted = [place.round == 0 or said.outcome == "kept" for said in assessments]
        described = iter(self._cast.describe(place, list(compress(cases, wanted))))
        return [next(described) if each else {} for each in wanted]


def candidates(round: int, step: int, drafts: Sequence[tuple[str, Draft]]) -> tuple[Candidate, ...]:
    """Drafts, each with the plugin that gave it, as the numbered children of a step."""
    return tuple(
        Candidate(
            Problem(
                id=f"{round}.{step}.{child}",
                statement=draft.statement,
                answer=draft.answer,
                solution=draft.solution,
                extra=draft.extra,
                parents=draft.parents,
                operator=draft.operator,
                ordinal=draft.ordinal,
            ),
            Rejection.of_unread(plugin, draft.unparsed) if draft.unparsed else None,
        )
        for child, (plugin, draft) in enumerate(drafts)
    )


def turned_away(
    children: Sequence[Candidate], ask: Callable[[list[Problem]], Sequence[Rejection | None]]
) -> tuple[Candidate, ...]:
    """The children, those still in the running with the rejections that `ask` gives them."""
    rejections = iter(ask([child.problem for child in children if not child.rejection]))
    return tuple(child if child.rejection else Candidate(child.problem, next(rejections)) for child in children)


def _rejected(problem: Problem, rejection: Rejection) -> Worked:
    return Worked(proposed=problem, child=Child.turned_away(problem, rejection), case=None)


def _worked(problem: Problem, case: Case, assessment: Assessment, descriptors: Mapping[str, Any]) -> Worked:
    return Worked(proposed=problem, child=Child.of(case, assessment, descriptors), case=case)


def _retried(parent: Retried, settled: tuple[Case, Assessment]) -> Retried:
    case, assessment = settled
    child = Child.of(case, assessment, parent.child.descriptors)
    return Retried(child=replace(child, problem=parent.child.problem), judged=case.judged[len(parent.judged) :])
