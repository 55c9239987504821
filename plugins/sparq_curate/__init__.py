"""Curation: which attempts the model is trained on (SPARQ, sections 2 and 3.2)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

import sparq_core as sparq
from sparq_curate.arithmetic import wrong_step
from sparq_curate.axes import Axes, axes_of_niches
from sparq_curate.filters import Candidate, capped, diverse, good, quality_diverse, shuffled, uncertain
from sparq_curate.solutions import apart, sampled, shortest

__all__ = ["Candidate", "Curate", "CurateBand", "CurateBandConfig", "CurateConfig"]

EASY = 0.5
"""Solve rate from which a problem is easy (SPARQ, section 3.2)."""


class CurateBandConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `curate-band`, and some of `curate`."""

    scope: Annotated[
        Literal["all", "round"], Meta(description="Take kept problems of all rounds so far, or of the last one.")
    ] = "all"
    solutions: Annotated[
        sparq.Positive | None,
        Meta(description="Maximum number of correct attempts per problem; none: all (paper)."),
    ] = None


class CurateBand:
    """
    Every kept problem with its correct attempts: the paper's training set.

    Seeds are part of it where they were attempted and kept.
    """

    def __init__(self, config: CurateBandConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader, round: int, rng: Random) -> Iterator[sparq.Example]:
        rounds = None if self._config.scope == "all" else [round]
        for solved in ledger.solved(rounds):
            for attempt in sampled(solved.correct, self._config.solutions, rng):
                yield sparq.Example(problem=solved.child.problem.id, attempt=attempt)


class CurateConfig(CurateBandConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `curate`."""

    by: Annotated[
        Literal["random", "quality", "variance", "diversity", "qd"],
        Meta(
            description="Which problems come first: any; those of a quality near `mean`; those solved nearest to half the "
            "time; niches with the most different labels, any problem of each; or those niches, the best problems of each."
        ),
    ] = "qd"
    budget: Annotated[sparq.Positive | None, Meta(description="Number of problems; none: all.")] = None
    niches: Annotated[
        dict[sparq.Descriptor, sparq.Axis] | None,
        Meta(
            description="The descriptors that make niches, and how each is cut; none: as the run's selector has it, else the "
            "only list of labels."
        ),
    ] = None
    weigh: Annotated[
        sparq.Descriptor | None,
        Meta(
            description="A descriptor between 0 and 1, such as `validity`, that qualities are multiplied by; none: by none."
        ),
    ] = None
    mean: Annotated[float, Meta(ge=0, le=1, description="quality: the quality wanted (1 − solve rate).")] = 0.5
    spread: Annotated[float, Meta(gt=0, description="quality: standard deviation of the Gaussian around it.")] = 0.1
    pick: Annotated[
        Literal["random", "shortest", "diverse"],
        Meta(description="Which correct attempts, where not all are taken: diverse ones share few words."),
    ] = "random"
    check_steps: Annotated[
        bool,
        Meta(
            description="Leave out attempts with an equation between plain numbers that does not hold, as 3 * 4 = 13."
        ),
    ] = False
    easy: Annotated[
        float,
        Meta(ge=0, le=1, description="Share kept of the attempts at problems that are solved half the time or more."),
    ] = 1.0
    caps: Annotated[
        dict[sparq.Descriptor, sparq.Share],
        Meta(
            description="Greatest share of the budget that problems of the same `operator`, or with the same label of a "
            "descriptor such as `skills`, may take; others come in their place."
        ),
    ] = {}
    seeds: Annotated[
        sparq.Share | None,
        Meta(description="Share of seeds among the problems, as far as they were attempted; none: as they come."),
    ] = None


class Curate:
    """
    A part of the kept problems, at a fixed budget: the paper's filters.

    In the paper `qd` over problems drawn from the seeds is best, with one solution a problem.
    """

    def __init__(self, config: CurateConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader, round: int, rng: Random) -> Iterator[sparq.Example]:
        rounds = None if self._config.scope == "all" else [round]
        niches = ledger.niches(self._axes(ledger))
        found = [_candidate(solved, niches, self._config) for solved in ledger.solved(rounds)]
        if self._config.check_steps:
            found = [self._checked(ledger, problem) for problem in found]
        for problem in self._chosen([c for c in found if c.correct], rng):
            attempts = self._attempts(ledger, problem, rng)
            if problem.solve_rate >= EASY and self._config.easy < 1:
                attempts = [attempt for attempt in attempts if rng.random() < self._config.easy]
            for attempt in attempts:
                yield sparq.Example(problem=problem.id, attempt=attempt)

    def _axes(self, ledger: sparq.Reader) -> Axes:
        """What makes niches; nothing where they decide nothing, as where every problem is taken."""
        config = self._config
        if config.by not in {"diversity", "qd"} or (config.budget is None and config.seeds is None):
            return {}
        return axes_of_niches(ledger.descriptors(), config.niches, ledger.axes())

    @staticmethod
    def _checked(ledger: sparq.Reader, problem: Candidate) -> Candidate:
        """A problem without the attempts whose arithmetic is wrong somewhere, however right they end."""
        return replace(problem, correct=tuple(a for a in problem.correct if wrong_step(ledger.attempt(a).text) is None))

    def _chosen(self, found: Sequence[Candidate], rng: Random) -> list[Candidate]:
        """The problems within the budget, in the order they come in the ledger."""
        order: Callable[[Sequence[Candidate], Random], list[Candidate]] = {
            "random": shuffled,
            "quality": lambda problems, rng: good(problems, rng, self._config.mean, self._config.spread),
            "variance": uncertain,
            "diversity": diverse,
            "qd": quality_diverse,
        }[self._config.by]
        budget = self._config.budget or len(found)
        if self._config.seeds is None:
            chosen = capped(order(found, rng), self._config.caps, budget)
        else:
            seeds = [c for c in found if c.id.startswith("0.")]
            mixed = order(seeds, rng)[: int(budget * self._config.seeds)]
            rest = [c for c in found if not c.id.startswith("0.")]
            chosen = [*mixed, *capped(order(rest, rng), self._config.caps, budget - len(mixed))]
        place = {candidate.id: i for i, candidate in enumerate(found)}
        return sorted(chosen, key=lambda candidate: place[candidate.id])

    def _attempts(self, ledger: sparq.Reader, problem: Candidate, rng: Random) -> list[int]:
        most = self._config.solutions
        if most is None or len(problem.correct) <= most or self._config.pick == "random":
            return sampled(problem.correct, most, rng)
        pick = shortest if self._config.pick == "shortest" else apart
        return sorted(pick({attempt: ledger.attempt(attempt).text for attempt in problem.correct}, most))


def _candidate(solved: sparq.Solved, niches: sparq.Niches, config: CurateConfig) -> Candidate:
    child = solved.child.weighed_by(config.weigh)
    labels = {**child.descriptors, "operator": child.problem.operator}
    return Candidate(
        id=child.problem.id,
        niche=niches.of(child.descriptors),
        quality=child.quality,
        solve_rate=child.solve_rate or 0.0,
        correct=solved.correct,
        groups=frozenset((name, label) for name in config.caps for label in _labels(labels.get(name))),
    )


def _labels(value: Any) -> Iterable[str]:
    """The labels of a descriptor; a number is one of its own."""
    if isinstance(value, list | tuple):
        return map(str, value)
    return () if value is None else (str(value),)
