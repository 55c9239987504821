"""What observers record: an event as flat numbers."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

import sparq_core as sparq

Metrics = Mapping[str, float]


def metrics_of(event: sparq.Event, folder: Path) -> Metrics:
    """
    The numbers of an event by their names; none of an event that has no numbers.

    Counts are those of the whole run so far. `solve_rate` is the share of correct attempts among all that were judged, those at
    seeds included. Scores are read from the ledger in `folder`, since the event tells them in words only.
    """
    match event:
        case sparq.RunStarted() | sparq.RunEnded():
            return counts(event.tally)
        case sparq.StepCommitted():
            return {"round": event.round, "step_of_round": event.step, **counts(event.tally), **event.metrics}
        case sparq.PhaseFinished():
            scores = scores_of(event, folder) if event.name == "benchmark" else {}
            told = {f"{event.name}/{name}": value for name, value in event.metrics.items()}
            return {"round": event.round, f"seconds/{event.name}": event.seconds, **scores, **told}
    return {}


def counts(tally: sparq.Tally) -> dict[str, float]:
    """The counters of a run."""
    outcomes: tuple[sparq.Outcome, ...] = ("rejected", "unresolved", "disputed", "out-of-band", "kept")
    verdicts = ("correct", "incorrect", "unknown")
    correct, incorrect = (tally.verdicts.get(verdict, 0) for verdict in ("correct", "incorrect"))
    return {
        "seeds": tally.seeds,
        "children": tally.children,
        **{outcome: tally.outcomes.get(outcome, 0) for outcome in outcomes},
        **{f"rejected/{reason}": count for reason, count in tally.reasons.items()},
        "attempts": tally.attempts,
        **{verdict: tally.verdicts.get(verdict, 0) for verdict in verdicts},
        **({"solve_rate": correct / (correct + incorrect)} if correct + incorrect else {}),
        "tokens": tally.tokens,
        "prompt_tokens": tally.prompt_tokens,
        **({"cost": tally.cost} if tally.cost is not None else {}),
        "seconds": tally.seconds,
    }


def scores_of(event: sparq.PhaseFinished, folder: Path) -> dict[str, float]:
    """The mean score of each task of a benchmark."""
    scores = defaultdict[str, list[float]](list)
    with sparq.Reader.open(folder) as ledger:
        for score in ledger.scores(event.round, 0 if event.base else None):
            scores[score.task].append(score.value)
    return {f"benchmark/{task}": fmean(values) for task, values in scores.items()}
