"""Which numbers a report shows over the steps of its runs, and how each is read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from sparq_core.contract.tally import Tally
from sparq_core.contract.wording import metric_name, money
from sparq_core.report import numbers
from sparq_core.report.facts import Facts
from sparq_core.report.figures.curve import Points, Say, curve

MOST_METRICS = 8
WINDOWS = 12
"""Stretches of a run, about equally long, over which what changes from step to step is averaged."""
MEANING = {
    "filled_niches": "Niches with at least one problem. While the line rises, new kinds of problems are still being found.",
    "coverage": "The share of all possible niches that have a problem.",
    "qd_score": "QD-score, for quality and diversity: the sum of the quality of the best problem of each niche. It grows when "
    "a niche is filled for the first time, or gets a harder problem that can still be solved.",
    "niche_entropy": "How evenly problems spread over niches, as entropy in nats: exp(entropy) niches of equal size have the "
    "same entropy. A falling line means that the search is narrowing.",
    "unique_labels": "The number of different labels in the filled niches; the paper calls it DIV.",
    "near_duplicate_rate": "The share of all children so far that were rejected as near duplicates of an earlier problem; "
    "exact repeats are not counted.",
}
RECORDED = "A number that a plugin recorded after each step."


class Curve(NamedTuple):
    """A number over steps, for each run that has it."""

    title: str
    meaning: str
    drawn: list[Markup | None]


def of_the_archive(runs: Sequence[Facts]) -> list[Curve]:
    """What the plugins that keep an archive measured, and whatever else plugins did."""
    keys = dict.fromkeys(key for run in runs for at in run.course[-1:] for key in at.metrics)
    ordered = sorted(keys, key=lambda key: (list(MEANING).index(key) if key in MEANING else len(MEANING), key))
    found = [_metric(runs, key) for key in ordered if key != "near_duplicate_rate"]
    return found[:MOST_METRICS]


def _metric(runs: Sequence[Facts], key: str) -> Curve:
    say: Say = numbers.mark if key == "coverage" else numbers.compact
    points = [[(at.done, at.metrics[key]) for at in run.course if key in at.metrics] for run in runs]
    return _curve(_capital(metric_name(key)), MEANING.get(key, RECORDED), runs, points, say)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def of_duplicates(runs: Sequence[Facts]) -> list[Curve]:
    """The share of children that were rejected as duplicates, in each stretch of a run; none where there are no such."""
    points = [list(_shares(run, duplicates, lambda tally: tally.children)) for run in runs]
    meaning = (
        "The share of proposed children that were rejected because they repeat an earlier problem, exactly or nearly. A "
        "rising line means that the generator is running out of ideas."
    )
    return (
        [_curve("Rejected as duplicates", meaning, runs, points, numbers.mark)]
        if any(y for some in points for _, y in some)
        else []
    )


def duplicates(tally: Tally) -> int:
    """Children that were rejected because they repeat an earlier problem, exactly or nearly."""
    return sum(n for reason, n in tally.reasons.items() if "duplicate" in reason)


def of_the_cost(runs: Sequence[Facts]) -> list[Curve]:
    """Tokens, money, speed and idle shares."""
    found = [
        _curve(
            "Sampled tokens",
            "All tokens that models wrote so far: proposals, attempts, labels and judgements.",
            runs,
            [[(at.done, float(at.tally.tokens)) for at in run.course] for run in runs],
            numbers.compact,
        )
    ]
    if any(run.tally.cost is not None for run in runs):
        spent = [[(at.done, at.tally.cost) for at in run.course if at.tally.cost is not None] for run in runs]
        meaning = "The cost of all tokens so far, prompts included, at the prices in the pipeline."
        found.append(_curve("Money", meaning, runs, spent, money))
    speed = [list(_shares(run, lambda tally: tally.tokens, lambda tally: tally.seconds)) for run in runs]
    meaning = "Sampled tokens per second of wall time, averaged since the previous point."
    found.append(_curve("Tokens per second", meaning, runs, speed, numbers.compact))
    return [*found, *_idle(runs)]


def _idle(runs: Sequence[Facts]) -> Iterator[Curve]:
    for title, meaning, seconds in (
        (
            "Sampler idle",
            "The share of the model’s slots that were empty. Near 0, the model is the bottleneck.",
            _sampling,
        ),
        (
            "Graders idle",
            "The share of time in which no answer was being checked. If it is low, checking is the bottleneck.",
            _grading,
        ),
    ):
        points = [
            [(x, min(1.0, max(0.0, 1 - y))) for x, y in _shares(run, seconds, lambda tally: tally.busy.watched)]
            for run in runs
        ]
        if any(points):
            yield _curve(title, meaning, runs, points, numbers.mark, top=1.0)


def _sampling(tally: Tally) -> float:
    return tally.busy.sampling


def _grading(tally: Tally) -> float:
    return tally.busy.grading


def _shares(run: Facts, part: Callable[[Tally], float], whole: Callable[[Tally], float]) -> Iterator[tuple[int, float]]:
    """How much a counter grew while another grew by one, in each stretch of a run; none where that stood still."""
    last = len(run.course) - 1
    least = run.pipeline.in_flight if isinstance(run.pipeline.in_flight, int) else 1
    stretches = max(1, min(WINDOWS, last // least))
    for before, after in pairwise(run.course[i * last // stretches] for i in range(stretches + 1)):
        if (grown := whole(after.tally) - whole(before.tally)) > 0:
            yield after.done, (part(after.tally) - part(before.tally)) / grown


def _curve(
    title: str, meaning: str, runs: Sequence[Facts], points: Sequence[Points], say: Say, top: float = 0.0
) -> Curve:
    """The same scale for every run, which reaches up to `top` at least."""
    top = max([top, *(y for some in points for _, y in some)])
    drawn = [
        curve(_titled(title, run, runs), some, top, say, _rounds(run.steps)) if len(some) > 1 else None
        for run, some in zip(runs, points, strict=True)
    ]
    return Curve(title, meaning, drawn)


def _titled(title: str, run: Facts, runs: Sequence[Facts]) -> str:
    return f"{title}, run {run.letter}" if len(runs) > 1 else title


def _rounds(steps: Mapping[int, int]) -> list[int]:
    """After how many steps each round but the first began."""
    done, found = 0, list[int]()
    for count in steps.values():
        found.append(done)
        done += count
    return found[1:]
