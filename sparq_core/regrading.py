"""Another grading of a finished ledger: stored attempts judged and assessed anew. Nothing is sampled or overwritten."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from sparq_core.attempts import Attempts
from sparq_core.ledger import Graded, writing
from sparq_core.loading import load_pipeline
from sparq_core.plugins import load_graders
from sparq_core.reading import Reader
from sparq_core.records import Judged, Trial
from sparq_core.run import Run
from sparq_core.session import grading_of, started

BATCH = 256
"""Problems judged at once."""


class Regraded(Struct, frozen=True):
    """What a new grading came to."""

    grading: int
    moved: Counter[tuple[str, str]]
    """Problems by their outcome in the first grading and in this one."""
    verdicts: Counter[tuple[str, str]]
    """Attempts by their verdict in the first grading and in this one."""


def regrade(folder: Path, overrides: Sequence[str]) -> Regraded:
    """
    Judge every stored attempt by the run's verifiers and its `assess`, with other settings, and record that as a new grading.

    `overrides` are as `--set` has them. PipelineError where they are wrong; the ledger then is as it was.
    """
    Reader.open(folder).close()
    pipeline = load_pipeline(folder / "pipeline.resolved.yaml", overrides)
    cast = load_graders(pipeline, folder)
    run = Run(pipeline=pipeline, base=folder, folder=folder, models={})
    moved: Counter[tuple[str, str]] = Counter()
    verdicts: Counter[tuple[str, str]] = Counter()
    with writing(folder) as ledger:
        with started(run, cast, lambda _: None):
            graded = list(_graded(ledger, Attempts(cast, pipeline.attempts, pipeline.seed), moved, verdicts))
        grading = ledger.add_grading(grading_of(cast), graded)
    return Regraded(grading, moved, verdicts)


def _graded(
    ledger: Reader,
    attempts: Attempts,
    moved: Counter[tuple[str, str]],
    verdicts: Counter[tuple[str, str]],
) -> Iterator[Graded]:
    of_parents = attempts.config.from_parents > 0
    ids = iter([id_ for (id_,) in ledger.query("SELECT problem FROM attempt GROUP BY problem ORDER BY min(id)")])
    while some := list(islice(ids, BATCH)):
        problems = ledger.problems(some)
        before = [ledger.judged(problem.id) for problem in problems]
        trials = [Trial(problem, j.attempt) for problem, judged in zip(problems, before, strict=True) for j in judged]
        said = iter(attempts.verify(trials))
        anew = [
            (
                problem,
                tuple(Judged(j.attempt, next(said)) for j in judged),
                attempts.policy_for(problem, {id_: ledger.counts(id_) for id_ in problem.parents if of_parents}),
            )
            for problem, judged in zip(problems, before, strict=True)
        ]
        for (settled, assessment), judged in zip(attempts.assess(anew), before, strict=True):
            moved[ledger.solved_one(settled.problem.id).child.outcome, assessment.outcome] += 1
            verdicts.update((a.verdict.value, b.verdict.value) for a, b in zip(judged, settled.judged, strict=True))
            yield Graded(settled, assessment)
