"""The work of one step: propose, screen, attempt, verify, assess, describe. Stateless, so steps run side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.errors import SparqError
from sparq_core.contract.randomness import generator
from sparq_core.contract.records import Assessment, Case, Child, Counts, Draft, Judged, Problem, Rejection
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Llm, Recorded, Sampler
from sparq_core.ledger.dataset import COLUMNS
from sparq_core.ledger.entries import Retried, Worked
from sparq_core.loop.attempts import Attempts
from sparq_core.loop.serving import Gauge
from sparq_core.pipeline.cast import Caller, Cast, Member
from sparq_core.policies import Policy


class Candidate(Struct, frozen=True):
    """A child on its way through a step."""

    problem: Problem
    rejection: Rejection | None


class Proposed(Struct, frozen=True):
    """The children of a step before any plugin looked at them, and what they cost."""

    candidates: tuple[Candidate, ...]
    completions: tuple[Recorded, ...]


class Parent(Struct, frozen=True):
    """A parent that is to be attempted once more, with its attempts by the present weights so far."""

    child: Child
    judged: tuple[Judged, ...]


class Known(Struct, frozen=True):
    """What a step is told of its parents."""

    counts: Mapping[str, Counts] = {}
    """How their attempts came out, by id."""
    again: tuple[Parent, ...] = ()


NOTHING = Known()


class Done(Struct, frozen=True):
    """What became of a step's children, and what that cost."""

    worked: tuple[Worked, ...]
    completions: tuple[Recorded, ...]
    model: str
    """Digest of the weights that attempted; empty where nothing was attempted."""
    again: tuple[Retried, ...] = ()


class Workshop:
    """Does the work of any step of a run; safe to use from several threads."""

    def __init__(self, run: Run, cast: Cast, serve: Callable[[str], Sampler]) -> None:
        self._cast, self._serve = cast, serve
        self._config, self._seed = run.pipeline.attempts, run.pipeline.seed
        self.grading = Gauge()
        self._attempts = Attempts(cast, self._config, self._seed, self.grading)

    def propose(self, round: int, step: int, parents: Sequence[Problem]) -> Proposed:
        """Ask every proposing plugin for children of these parents."""
        drafts: list[tuple[str, Draft]] = []
        completions: list[Recorded] = []
        for member, propose in self._cast.each("propose"):
            llm = self._llm(round, step, "propose", member)
            rng = generator(self._seed, round, step, "propose", member.name)
            drafts += [(member.name, draft) for draft in propose(parents=parents, llm=llm, rng=rng) or ()]
            completions += llm.recorded
        return Proposed(candidates(round, step, drafts), tuple(completions))

    def work(self, round: int, step: int, proposed: Proposed, known: Known = NOTHING) -> Done:
        """Take the children still in the running through the rest of the step."""
        children, screened = self._screen(round, step, proposed.candidates)
        problems = [child.problem for child in children if not child.rejection]
        if round == 0 and not self._config.seeds:
            cases = [Case(problem, (), Counts()) for problem in problems]
            assessments, model = [Assessment(outcome="kept", reason="seed")] * len(cases), ""
        else:
            cases, assessments, model = self._attempt(round, step, problems, known.counts)
        descriptors, described = self._describe(round, step, cases, assessments)
        live = iter(map(_worked, problems, cases, assessments, descriptors))
        worked = tuple(
            _rejected(child.problem, child.rejection) if child.rejection else next(live) for child in children
        )
        again, again_by = self._attempt_again(round, step, known.again)
        return Done(worked, (*proposed.completions, *screened, *described), model or again_by, again)

    def _llm(self, round: int, step: int, hook: str, member: Member) -> Llm:
        return Llm((self._seed, round, step), hook, member.name, self._serve)

    def _screen(
        self, round: int, step: int, children: Sequence[Candidate]
    ) -> tuple[Sequence[Candidate], list[Recorded]]:
        completions: list[Recorded] = []
        for member, screen in self._cast.each("screen"):
            llm = self._llm(round, step, "screen", member)
            children = ask_rejections(self._cast, "screen", member, screen, children, llm=llm)
            completions += llm.recorded
        return children, completions

    def _attempt(
        self, round: int, step: int, problems: Sequence[Problem], parents: Mapping[str, Counts]
    ) -> tuple[list[Case], list[Assessment], str]:
        if not problems:
            return [], [], ""
        sampler = self._serve("solver")
        policies = [self._attempts.policy_for(problem, parents) for problem in problems]
        drawn = self._attempts.draw(problems, policies, sampler, (round, step))
        settled = self._attempts.assess(list(zip(problems, drawn, policies, strict=True)))
        return [case for case, _ in settled], [assessment for _, assessment in settled], sampler.digest

    def _attempt_again(self, round: int, step: int, parents: Sequence[Parent]) -> tuple[tuple[Retried, ...], str]:
        """Parents with further attempts; with all K where the present weights have not attempted them yet."""
        if not parents:
            return (), ""
        sampler = self._serve("solver")
        problems = [parent.child.problem for parent in parents]
        policies = [Policy(self._config.again if parent.judged else self._config.k) for parent in parents]
        drawn = self._attempts.draw(problems, policies, sampler, (round, step))
        settled = self._attempts.assess(
            [
                (problem, (*parent.judged, *new), policy)
                for problem, parent, new, policy in zip(problems, parents, drawn, policies, strict=True)
            ]
        )
        return tuple(map(_retried, parents, settled)), sampler.digest

    def _describe(
        self, round: int, step: int, cases: Sequence[Case], assessments: Sequence[Assessment]
    ) -> tuple[list[dict[str, Any]], list[Recorded]]:
        descriptors: list[dict[str, Any]] = [{} for _ in cases]
        completions: list[Recorded] = []
        kept = [i for i, assessment in enumerate(assessments) if assessment.outcome == "kept"]
        for member, describe in self._cast.each("describe") if kept else ():
            llm = self._llm(round, step, "describe", member)
            answers = describe(cases=[cases[i] for i in kept], llm=llm)
            for i, answer in zip(kept, self._cast.aligned("describe", member, answers, len(kept)), strict=True):
                _unite(descriptors[i], answer, member)
            completions += llm.recorded
        return descriptors, completions


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
            Rejection("propose", plugin, draft.unparsed) if draft.unparsed else None,
        )
        for child, (plugin, draft) in enumerate(drafts)
    )


def ask_rejections(
    cast: Cast,
    hook: Literal["admit", "screen"],
    member: Member,
    ask: Caller,
    children: Sequence[Candidate],
    **arguments: Any,
) -> list[Candidate]:
    """One plugin's rejections of the children still in the running."""
    open_ = [child for child in children if not child.rejection]
    if not open_:
        return list(children)
    reasons = iter(
        cast.aligned(hook, member, ask(children=[child.problem for child in open_], **arguments), len(open_))
    )
    return [child if child.rejection else _marked(child, hook, member.name, next(reasons)) for child in children]


def _marked(child: Candidate, hook: Literal["admit", "screen"], plugin: str, reason: str | None) -> Candidate:
    return Candidate(child.problem, Rejection(hook, plugin, reason)) if reason else child


def _unite(descriptors: dict[str, Any], answer: Mapping[str, Any], member: Member) -> None:
    if twice := descriptors.keys() & answer.keys():
        raise SparqError(f"{member.place}: '{member.name}' describes '{min(twice)}', which another plugin gave")
    for key, value in answer.items():
        if key in COLUMNS or not _is_descriptor(value):
            what = "is a column of the dataset" if key in COLUMNS else f"is {type(value).__name__}"
            raise SparqError(
                f"{member.place}: '{member.name}' describes '{key}', which {what}; a descriptor is a number, a string or a "
                "list of strings, under a name of its own"
            )
    descriptors.update(answer)


def _is_descriptor(value: object) -> bool:
    return (
        value is None
        or isinstance(value, str | int | float)
        or (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value))
    )


def _rejected(problem: Problem, rejection: Rejection) -> Worked:
    child = Child(problem=problem, outcome="rejected", reason=rejection.reason, rejection=rejection)
    return Worked(proposed=problem, child=child, case=None)


def _retried(parent: Parent, settled: tuple[Case, Assessment]) -> Retried:
    case, assessment = settled
    child = replace(
        parent.child,
        outcome=assessment.outcome,
        reason=assessment.reason,
        counts=case.counts,
        solve_rate=case.solve_rate,
        quality=assessment.quality,
    )
    return Retried(child=child, judged=case.judged[len(parent.judged) :])


def _worked(problem: Problem, case: Case, assessment: Assessment, descriptors: Mapping[str, Any]) -> Worked:
    child = Child(
        problem=case.problem,
        outcome=assessment.outcome,
        reason=assessment.reason,
        counts=case.counts,
        solve_rate=case.solve_rate,
        quality=assessment.quality,
        descriptors=descriptors,
    )
    return Worked(proposed=problem, child=child, case=case)
