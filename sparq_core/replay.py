"""A finished run seen anew: graded, binned or curated again. Nothing is sampled, nothing that was there changes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sparq_core import hookspecs
from sparq_core.contract.randomness import generator
from sparq_core.contract.records import Judged, Trial
from sparq_core.contract.run import Run
from sparq_core.ledger import dataset, spread, storage
from sparq_core.ledger.entries import Graded
from sparq_core.ledger.files import whole
from sparq_core.ledger.outputs import check_free
from sparq_core.ledger.overview import attempted
from sparq_core.ledger.reader import GRADING, Reader
from sparq_core.ledger.writer import writing
from sparq_core.loop.attempts import Attempts
from sparq_core.loop.session import started
from sparq_core.pipeline.assembly import alone, load_graders
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member, load_class
from sparq_core.pipeline.file import load_pipeline
from sparq_core.pipeline.identity import grading_of, other_code
from sparq_core.pipeline.settings import config_of

BATCH = 256
"""Problems judged at once."""


class Regraded(Struct, frozen=True):
    """What a new grading came to."""

    grading: int
    moved: Counter[tuple[str, str]]
    """Problems by their outcome in the first grading and in this one."""
    verdicts: Counter[tuple[str, str]]
    """Attempts by their verdict in the first grading and in this one."""
    warnings: list[str]
    """Plugins of one file that are others than the run's own."""


def regrade(folder: Path, overrides: Sequence[str]) -> Regraded:
    """
    Judge every stored attempt by the run's verifiers and its `assess`, with other settings, and record that as a new grading.

    `overrides` are as `--set` has them. PipelineError where they are wrong; the ledger then is as it was.
    """
    with writing(folder) as ledger:
        described = ledger.run()
        base = described.base_or(folder)
        pipeline = load_pipeline(folder / storage.RESOLVED, overrides)
        cast = load_graders(pipeline, base)
        run = Run(pipeline=pipeline, base=base, folder=folder, models={})
        moved: Counter[tuple[str, str]] = Counter()
        verdicts: Counter[tuple[str, str]] = Counter()
        warnings = [f"{file} is another than the run's own" for file in other_code(described.identity, cast.members)]
        with started(run, cast, lambda event: warnings.append(str(event))):
            rationing = cast.policy(run)
            attempts = Attempts(cast, pipeline.attempts, pipeline.seed, rationing)
            graded = _graded(ledger, cast, attempts, rationing.of_parents, moved, verdicts)
            grading = ledger.add_grading(grading_of(pipeline, cast), graded)
    return Regraded(grading, moved, verdicts, warnings)


def alone_at(
    use: str, settings: Sequence[str], spec: Callable[..., Any], example: str, folder: Path
) -> tuple[Member, Cast]:
    """One plugin; a file is looked for here, then where the run's pipeline was."""
    return alone(use, settings, spec, example, _base(use, folder))


def _base(use: str, folder: Path) -> Path:
    if not use.startswith(".") or (Path.cwd() / use.rpartition(":")[0]).is_file():
        return Path.cwd()
    with Reader.open(folder) as ledger:
        return ledger.run().base_or(folder)


def _graded(
    ledger: Reader,
    cast: Cast,
    attempts: Attempts,
    of_parents: bool,
    moved: Counter[tuple[str, str]],
    verdicts: Counter[tuple[str, str]],
) -> Iterator[Graded]:
    ids = iter(attempted(ledger))
    while some := list(islice(ids, BATCH)):
        problems = ledger.problems(some)
        before = [ledger.judged(problem.id) for problem in problems]
        trials = [Trial(problem, j.attempt) for problem, judged in zip(problems, before, strict=True) for j in judged]
        said = iter(cast.verify("regrading", trials))
        anew = [
            (
                problem,
                tuple(Judged(j.attempt, next(said)) for j in judged),
                attempts.ration_of(problem, {id_: ledger.counts(id_) for id_ in problem.parents if of_parents}),
            )
            for problem, judged in zip(problems, before, strict=True)
        ]
        for (settled, assessment), judged in zip(attempts.assess("regrading", anew), before, strict=True):
            moved[ledger.solved_one(settled.problem.id).child.outcome, assessment.outcome] += 1
            verdicts.update((a.verdict.value, b.verdict.value) for a, b in zip(judged, settled.judged, strict=True))
            yield Graded(settled, assessment)


def rebin(folder: Path, use: str, settings: Sequence[str]) -> list[tuple[str, dict[str, float]]]:
    """
    The metrics after each round, had the selector been this one with these options (`name=value`).

    A selector with an option `niches` has those of the run where no others are given. Which parents it would have drawn is not
    part of it: the children are those of the run.
    """
    _, cast = alone_at(use, [*_niches(use, settings, folder), *settings], hookspecs.commit, "map-elites", folder)
    found: list[tuple[str, dict[str, float]]] = []
    with Reader.open(folder) as ledger:
        for round_ in range(ledger.last_round() + 1):
            metrics: dict[str, float] = {}
            for step in range(1, ledger.steps_of(round_) + 1):
                metrics = cast.commit(ledger.step(round_, step))
            if round_:
                found.append((f"round {round_}", metrics))
    return found


def _niches(use: str, settings: Sequence[str], folder: Path) -> list[str]:
    """The option `niches` that says what the run's own are, where it is not given and the plugin has it."""
    config = config_of(load_class(use, "--use", _base(use, folder))[0], "--option")
    has = config is not None and "niches" in config.__struct_fields__
    if not has or any(setting.startswith("niches=") for setting in settings):
        return []
    with Reader.open(folder) as ledger:
        axes = spread.axes(ledger)
    return [f"niches={msgspec.json.encode(axes).decode()}"] if axes else []


def curate(
    folder: Path, use: str, settings: Sequence[str], to: Path | None, grading: int = GRADING
) -> tuple[Path, int, int]:
    """
    Let a plugin choose again, record its choice as a new view, and write the dataset.

    `settings` are its options as `name=value`. Gives the file, the examples and the problems in it. PipelineError where the
    plugin or an option is wrong, or the file is there already.
    """
    with writing(folder) as ledger, Reader.open(folder, grading) as graded:
        member, cast = alone_at(use, settings, hookspecs.curate, "curate", folder)
        pipeline, last = ledger.pipeline(), ledger.last_round()
        options = msgspec.to_builtins(member.config) if member.config else {}
        config = {member.name: {"with": options}, "grading": grading}
        name = msgspec.json.encode(config, order="sorted").decode()
        examples = list(cast.curate(graded, last, generator(pipeline.seed, last, "curate", name)))
        path = to or folder / "dataset" / f"curation-{ledger.curations() + 1}.jsonl"
        if to:
            check_free(to, "--to")
        with whole(path) as partial:
            count = dataset.write_jsonl(partial, dataset.rows(graded, examples))
            ledger.add_curation(last, config, examples)
    return path, count, len({example.problem for example in examples})
