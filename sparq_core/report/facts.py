"""Everything a report tells of a run, from its ledger alone."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from sparq_core.contract.config import Pipeline
from sparq_core.contract.niches import Axis, Niche
from sparq_core.contract.records import Judged, Problem, Solved
from sparq_core.contract.tally import Tally
from sparq_core.ledger import course, overview, samples, spread
from sparq_core.ledger.afresh import Filled, Labels
from sparq_core.ledger.course import At
from sparq_core.ledger.intervals import Comparison, compare
from sparq_core.ledger.overview import Accepted, Seeds
from sparq_core.ledger.reader import PhaseRow, Reader
from sparq_core.ledger.spread import Counts
from sparq_core.report.differences import settings

MOST_POINTS = 200
"""Steps that a curve shows."""
MOST_PROBLEMS = 20
MOST_LABELS = 25
MOST_REASONS = 30
FINEST = 20
"""Places of the scale of solve rates, where there are more attempts than that at a problem."""
FARTHEST = 6
"""Ancestors of a problem that are shown."""


class Example(NamedTuple):
    """A problem that is shown with all that became of it."""

    solved: Solved
    judged: list[Judged]
    ancestors: list[Problem]
    children: int
    written: str | None
    """What the generator wrote, where no problem could be read from that."""


class Stratum(NamedTuple):
    """Problems of one kind, of which some are shown."""

    name: str
    problems: int
    examples: list[Example]


class Facts(Struct, frozen=True, kw_only=True):
    """A run."""

    letter: str
    """Tells it from the other runs of the page."""
    pipeline: Pipeline
    digest: str
    weights: dict[str, str]
    """The digests of the models' weights by the models' names."""
    cast: dict[str, str]
    settings: dict[str, Any]
    """The pipeline with what it names: versions of plugins, digests of weights and files."""
    tally: Tally
    steps: dict[int, int]
    """Committed steps by round."""
    phases: list[tuple[int, str, PhaseRow]]
    changes: list[Accepted]
    seeds: Seeds
    operators: Mapping[str, spread.Made]
    because: Sequence[spread.Because]
    places: int
    """The scale of solve rates has this place and all from 0 on."""
    solve_rates: Sequence[spread.Solved]
    mean_solve_rate: spread.Mean
    described: Labels
    niches: Mapping[str, tuple[Axis, Mapping[Niche, Filled]]]
    labels: Mapping[str, tuple[Sequence[spread.Label], int]]
    counting: Mapping[str, frozenset[str] | None]
    """Of each axis of labels those that make niches; None where all do."""
    course: list[At]
    benchmarks: dict[int, list[Comparison]]
    kinds: dict[int, list[Comparison]]
    """As `benchmarks`, by the kinds of items that their names tell."""
    values: dict[str, dict[str, float]]
    """The last benchmarked model's value of each item of each task; the base model's where no other was benchmarked."""
    strata: Sequence[Stratum]

    @property
    def name(self) -> str:
        """What the page calls it."""
        return self.pipeline.name

    @property
    def mixes(self) -> bool:
        """Whether several operators made its children."""
        return len(self.operators) > 1

    @property
    def last(self) -> int | None:
        """The last round whose model was benchmarked."""
        return max(self.benchmarks, default=None)


def gather(ledger: Reader, letter: str, runs: int) -> Facts:
    """All of a run that is one of so many on a page, each with its share of the room there is."""
    with ledger.snapshot():
        counts = spread.counts(ledger, places_of(ledger.pipeline()), MOST_REASONS, MOST_LABELS)
        return facts(ledger, letter, runs, counts, _strata(ledger, MOST_PROBLEMS // runs))


def places_of(pipeline: Pipeline) -> int:
    """How fine the scale of a run's solve rates is."""
    return min(pipeline.attempts.k, FINEST)


def facts(ledger: Reader, letter: str, runs: int, counts: Counts, strata: Sequence[Stratum]) -> Facts:
    """A run whose children are counted already, and whose examples are chosen."""
    pipeline = ledger.pipeline()
    benchmarks = overview.compared(ledger)
    return Facts(
        letter=letter,
        pipeline=pipeline,
        digest=ledger.last_digest(),
        weights=_weights(ledger),
        cast=spread.cast(ledger),
        settings=settings(ledger),
        tally=ledger.tally(),
        steps={round_: ledger.steps_of(round_) for round_ in overview.rounds(ledger) if round_},
        phases=overview.phases(ledger),
        changes=overview.changes(ledger),
        places=places_of(pipeline),
        course=course.course(ledger, MOST_POINTS // runs),
        benchmarks=benchmarks,
        kinds={round_: _by_kind(ledger, round_) for round_ in benchmarks},
        values=overview.last_scores(ledger),
        strata=strata,
        counting={
            key: ledger.niches({key: axis}).counting(key)
            for key, (axis, _) in counts.niches.items()
            if axis.bins is None
        },
        **counts._asdict(),
    )


def _weights(ledger: Reader) -> dict[str, str]:
    models = msgspec.json.decode(ledger.run().identity or "{}").get("models", {})
    return {name: str(model.get("weights") or "") for name, model in models.items()}


def _by_kind(ledger: Reader, round: int) -> list[Comparison]:
    """A model against the base by kinds of items: what an item's name says before its last slash."""
    before, after = (
        [msgspec.structs.replace(score, task=f"{score.task}: {kind}") for score, kind in map(_kind, scores) if kind]
        for scores in (ledger.scores(0), ledger.scores(round, ledger.steps_of(round)))
    )
    return sorted(compare(before, after), key=lambda found: found.task)


def _kind(score: Any) -> tuple[Any, str]:
    return score, score.item.rpartition("/")[0]


def _strata(ledger: Reader, most: int) -> list[Stratum]:
    """At most so many examples, about as many of each stratum there is."""
    found = samples.samples(ledger, most)
    shares = _shares([len(stratum.some) for stratum in found], most)
    chosen = [stratum._replace(some=stratum.chosen(share)) for stratum, share in zip(found, shares, strict=True)]
    ids = [id_ for stratum in chosen for id_ in stratum.some]
    children = samples.children_counts(ledger, ids)
    return [
        Stratum(s.name, s.problems, [_example(ledger, id_, children.get(id_, 0)) for id_ in s.some])
        for s in chosen
        if s.some
    ]


def _shares(there: list[int], most: int) -> list[int]:
    """How many of each to take, turn about, until that are so many or all there are."""
    shares = [0] * len(there)
    while sum(shares) < most and shares != there:
        for i, some in enumerate(there):
            shares[i] += shares[i] < some and sum(shares) < most
    return shares


def _example(ledger: Reader, id_: str, children: int) -> Example:
    solved = ledger.solved_one(id_)
    written = None if solved.child.problem.statement else ledger.written(id_)
    return Example(solved, ledger.judged(id_), samples.lineage(ledger, id_, FARTHEST), children, written)
