"""Labels for what a finished run did not keep: the plugins that describe look at that, too. Nothing else is sampled."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from msgspec import Struct

from sparq_core.contract.changes import listed
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.records import Case
from sparq_core.contract.run import Run
from sparq_core.contract.sampling import Place
from sparq_core.contract.tally import Used
from sparq_core.ledger import storage
from sparq_core.ledger.overview import unlabelled
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger, writing
from sparq_core.loop.meter import united
from sparq_core.loop.rounds import roles_of
from sparq_core.loop.serving import Samplers
from sparq_core.loop.session import started
from sparq_core.pipeline.assembly import load_describers
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.file import load_pipeline
from sparq_core.pipeline.identity import changes_in_part
from sparq_core.pipeline.prepare import Prepared, resolve_models, warnings_of, with_digests


class Labelled(Struct, frozen=True):
    """What labelling came to."""

    problems: int
    left: int
    """Those that an interruption left for the next time."""
    used: dict[str, Used]
    """Tokens by role."""


def label(
    folder: Path,
    overrides: Sequence[str],
    emit: Callable[[Event], None],
    tell: Callable[[int, int], None],
    interrupted: Callable[[], bool],
) -> Labelled:
    """
    Describe what a run attempted and did not keep, and record that as a view of its own, step by step.

    What is described already is left alone, so that a second call goes on where the first was ended. `overrides` are as `--set`
    has them; PipelineError where they let labels be given otherwise than the run gave them. `tell` hears how many problems
    of how many are done, and `interrupted` is asked before each step whether to end here.
    """
    with writing(folder) as ledger:
        described = ledger.run()
        base = described.base_or(folder)
        pipeline = load_pipeline(folder / storage.RESOLVED, overrides)
        cast = load_describers(pipeline, base)
        run = with_digests(
            Run(pipeline=pipeline, base=base, folder=None, models=resolve_models(pipeline, base)),
            folder.resolve(),
            described.weights_version,
        )
        for finding in warnings_of(Prepared(run, cast, "")):
            emit(Warned(f"{finding.place}: {finding.message}"))
        _check_alike(described.identity, run, cast)
        with started(run, cast, emit):
            samplers = Samplers(cast, lambda _: None, lambda: None, lambda *_: None)
            samplers.roles = roles_of(run, None)
            with closing(samplers):
                return _labelled(ledger, cast, partial(Place, pipeline.seed, serve=samplers.serve), tell, interrupted)


def _check_alike(recorded: str, run: Run, cast: Cast) -> None:
    """PipelineError where labels of one ledger would be given in two ways."""
    if changes := changes_in_part(recorded, run, cast):
        raise PipelineError(
            f"{run.folder}: the run was labelled with other settings; {listed(changes)}\n"
            "Restore them, so that all labels are made in the same way."
        )


def _labelled(
    ledger: Ledger,
    cast: Cast,
    place_of: Callable[..., Place],
    tell: Callable[[int, int], None],
    interrupted: Callable[[], bool],
) -> Labelled:
    steps = unlabelled(ledger)
    total, done, used = sum(len(ids) for *_, ids in steps), 0, dict[str, Used]()
    tell(done, total)
    for round_, step, ids in steps:
        if interrupted():
            break
        place = place_of(round_, step, begun=partial(ledger.completions_of, round_, step))
        described = cast.describe(place, [_case(ledger, id_) for id_ in ids])
        ledger.add_labels(place, dict(zip(ids, described, strict=True)))
        used = united(used, ((c.role, Used(c.prompt_tokens, c.tokens)) for c in place.completions))
        done += len(ids)
        tell(done, total)
    return Labelled(done, total - done, used)


def _case(ledger: Reader, id_: str) -> Case:
    """A problem with its attempts, as they were judged in the run."""
    child = ledger.child(id_)
    return Case(child.problem, tuple(ledger.judged(id_)), child.counts, child.solve_rate)
