"""What in a run deserves a second look, judged by its ledger, and what to do about it."""

from collections.abc import Iterator
from math import log
from typing import NamedTuple

from sparq_core.contract.tally import REMEDIES
from sparq_core.report import numbers
from sparq_core.report.facts import Facts

FIRST_STEPS = 10
"""Steps of a run before its entropy says anything."""


class Alarm(NamedTuple):
    """Something that looks wrong."""

    what: str
    remedy: str


def alarms(run: Facts) -> list[Alarm]:
    """All of them, the most serious first."""
    found = [
        _none_kept(run),
        *_worse(run),
        _unknown(run),
        _rejected(run),
        _one_sided(run),
        _narrowing(run),
        *_changed(run),
    ]
    return [alarm for alarm in found if alarm]


def _rejected(run: Facts) -> Alarm | None:
    rejected, children = run.tally.outcomes.get("rejected", 0), run.tally.children
    if 2 * rejected <= children:
        return None
    reason, often = max(run.tally.reasons.items(), key=lambda item: item[1])
    return Alarm(
        f"{numbers.percent(rejected / children)} of the children were rejected before any attempt, most often because of "
        f"“{reason}” ({often:,} times).",
        "Look at the rejected problems. If many could not be parsed, describe the format more clearly in the prompt or "
        "use a stronger generator. If many are duplicates, use more seeds, a higher temperature or parents from the archive.",
    )


def _none_kept(run: Facts) -> Alarm | None:
    if not run.tally.children or run.tally.outcomes.get("kept"):
        return None
    return Alarm(
        f"None of the {run.tally.children:,} children was kept.",
        "The funnel shows where they were lost; `sparq preview` tries a changed pipeline on one step.",
    )


def _one_sided(run: Facts) -> Alarm | None:
    if 2 * run.tally.verdicts.get("unknown", 0) > run.tally.attempts:  # the few that were judged stand for nothing
        return None
    rated = run.mean_solve_rate.children
    for rate, what, remedy in (
        (0, "never", "Try easier seeds, a stronger solver or more tokens per attempt."),
        (run.places, "always", "Try harder seeds, or selection that favours quality (map-elites)."),
    ):
        there = sum(one.children for one in run.solve_rates if one.place == rate)
        if 2 * there > rated:
            return Alarm(f"{numbers.percent(there / rated)} of the attempted problems were {what} solved.", remedy)
    return None


def _unknown(run: Facts) -> Alarm | None:
    unknown, attempts = run.tally.verdicts.get("unknown", 0), run.tally.attempts
    if unknown <= run.pipeline.attempts.warn_unknown * attempts:
        return None
    reason, often = next(iter(run.tally.unknown().items()))
    return Alarm(
        f"{numbers.percent(unknown / attempts)} of the attempts were judged neither correct nor incorrect, most often because "
        f"of “{reason}” ({often:,} times); the pipeline warns above {numbers.percent(run.pipeline.attempts.warn_unknown)}.",
        f"Remedy: {REMEDIES.get(reason, 'look at such a problem with `sparq show`')}.",
    )


def _narrowing(run: Facts) -> Alarm | None:
    """Whether the number of niches that an even spread would fill has halved since its peak."""
    seen = [
        at.metrics["niche_entropy"] for at in run.course if at.done >= FIRST_STEPS and "niche_entropy" in at.metrics
    ]
    if not seen or seen[-1] >= max(seen) - log(2):
        return None
    return Alarm(
        f"The search is narrowing: the entropy of the niches fell from {max(seen):.2f} to {seen[-1]:.2f} nats.",
        "Choose parents evenly over niches, or limit children per parent (`max_children`).",
    )


def _worse(run: Facts) -> Iterator[Alarm]:
    for task in run.benchmarks.get(run.last or 0, []):
        if task.difference.high < 0:
            yield Alarm(
                f"The model got worse at “{task.task}”: {numbers.interval(task.difference)} points.",
                "Compare the rounds under Benchmarks; a smaller learning rate, or fewer problems of one kind, may help.",
            )


def _changed(run: Facts) -> Iterator[Alarm]:
    for change in run.changes:
        yield Alarm(
            f"The setting “{change.setting}” was changed after step {change.round}.{change.step} (`--accept-changes`).",
            "Problems from before and after that step were made under different settings.",
        )
