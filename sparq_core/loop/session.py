"""One process's work on a run: open its folder, start the cast, go, and leave all in order."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec.structs import replace

from sparq_core.contract.changes import Change, listed
from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.contract.events import Event, RunStarted, Warned
from sparq_core.contract.files import check_nameable
from sparq_core.contract.run import Run
from sparq_core.ledger import storage
from sparq_core.ledger.files import make_folder, sync_all, whole
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.phases import check_unchanged
from sparq_core.loop.rounds import Ending, Rounds
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.pipeline.identity import changes_since, grading_of, identity_of
from sparq_core.pipeline.prepare import Prepared, warnings_of, with_digests

Observer = Callable[[Event], None]


def execute(
    prepared: Prepared,
    out: Path | None,
    resume: bool,
    observers: list[Observer],
    interrupted: Callable[[], bool],
    accept_changes: bool | None = None,
    go: Callable[[Rounds], Ending] = Rounds.go,
    checked: bool = False,
) -> Ending:
    """
    Run a pipeline into its folder, or go on with what is there.

    `accept_changes` lets its plugins be other ones by now; it is None where the command has no such option. `go` says how much
    of the run is done, `checked` that plugins have been asked already what they find wrong.
    """
    warnings = [] if checked else warnings_of(prepared)
    folder = out or Path("runs") / prepared.run.pipeline.name
    check_nameable(folder)
    _is_there(folder, resume)
    run = with_digests(prepared.run, folder.resolve())
    identity = identity_of(run, prepared.cast)
    make_folder(folder)
    with storage.locked(folder):
        exists = _is_there(folder, resume)  # once more: another may have begun here while the models were read
        emit = _emitter(prepared.cast, observers)
        with _ledger(run, prepared, identity, emit) as ledger:
            run, identity = _as_begun(run, prepared.cast, ledger)
            changes = _accepted(ledger, run, folder, identity, prepared.cast, accept_changes) if exists else []
            check_unchanged(run, prepared.cast, ledger)
            ledger.reprice(run.pipeline.models)
            if changes:
                ledger.accept(changes, *_described(run, prepared.cast, identity))
            with started(run, prepared.cast, emit):
                pipeline, tally = run.pipeline, ledger.tally()
                emit(RunStarted(pipeline.name, folder, exists, pipeline.rounds, pipeline.steps, tally))
                for message in (*(f"{f.place}: {f.message}" for f in warnings), *(f"changed: {c}" for c in changes)):
                    emit(Warned(message))
                return _go(go, Rounds(run, prepared.cast, ledger, emit, interrupted))


def fork(prepared: Prepared, folder: Path, start: Path, scored: Path | None = None) -> None:
    """
    Make `folder` a run that goes on from what the run folder `start` has committed, with its own pipeline of the same identity.

    `scored` is a run folder whose scores of the model before training are taken over; its benchmark must be this run's.
    PipelineError where the identities differ. The folder then is as it was: it holds a whole ledger or none.
    """
    with Reader.open(start) as reader:
        run, identity = _as_begun(replace(prepared.run, folder=folder.resolve()), prepared.cast, reader)
        _accepted(reader, run, start, identity, prepared.cast, accept=None)
    make_folder(folder)
    with _new(run, prepared, folder / storage.DATABASE) as partial:
        storage.copy(start / storage.DATABASE, partial)
        with closing(storage.open_writable(partial)) as connection:
            ledger = Ledger(connection)
            pipeline, _, origins = _described(run, prepared.cast, identity)
            ledger.become(run.pipeline.name, str(run.base), pipeline, origins)
            if scored:
                _take_scores(ledger, scored)
        _take_student(start, folder)


def _take_student(start: Path, folder: Path) -> None:
    """What training on the seeds has made, as links: no run changes a file of weights that is there."""
    for name in ("dataset/round-0.jsonl", "models/round-0"):
        made = start / name
        for file in [made] if made.is_file() else [f for f in made.rglob("*") if f.is_file()]:
            copy = folder / file.relative_to(start)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            try:
                copy.hardlink_to(file)
            except OSError:
                shutil.copyfile(file, copy)
        if (copies := (folder / name).parent).is_dir():
            sync_all(copies)


def check_same(folder: Path, prepared: Prepared) -> None:
    """PipelineError where a run folder holds a run of another identity than this, or one of whose phases is done otherwise."""
    with Reader.open(folder) as ledger:
        run, identity = _as_begun(replace(prepared.run, folder=folder), prepared.cast, ledger)
        if changes := changes_since(ledger.run().identity, identity, prepared.cast.deciding()):
            raise PipelineError(f"{folder}: contains another run; {listed(changes)}")
        check_unchanged(run, prepared.cast, ledger)


def _take_scores(ledger: Ledger, scored: Path) -> None:
    with Reader.open(scored) as other:
        if done := other.phase(0, "benchmark"):
            ledger.commit_phase(0, 0, "benchmark", *done, other.scores(0))


def _go(go: Callable[[Rounds], Ending], rounds: Rounds) -> Ending:
    """A mistake in the pipeline that shows only now has cost something: its exit code says so."""
    try:
        return go(rounds)
    except PipelineError as error:
        error.exit_code = SparqError.exit_code
        raise


def _is_there(folder: Path, resume: bool) -> bool:
    """Whether a run is to be gone on with; PipelineError where the folder does not fit what was asked."""
    exists = (folder / storage.DATABASE).exists()
    if exists and not resume:
        with Reader.open(folder) as ledger:
            remedy = f"continue it with --resume, or choose another --out{_if_empty(ledger)}"
        raise PipelineError(f"{folder}: already contains a run; {remedy}")
    if not exists and not storage.is_free(folder):
        raise PipelineError(f"{folder}: is not empty and contains no run; choose another --out")
    return exists


def _if_empty(ledger: Reader) -> str:
    """One more remedy where a run came to nothing."""
    return "" if ledger.steps_of(0) else "; nothing is committed there, so you can also delete that folder"


def _as_begun(run: Run, cast: Cast, ledger: Reader) -> tuple[Run, dict[str, Any]]:
    """A run and its identity with its models named in the way that the ledger's version did."""
    run = with_digests(run, run.folder, ledger.run().weights_version)
    return run, identity_of(run, cast)


def _models_told(weights: Sequence[Change], ledger: Reader, run: Run) -> str:
    """Which models these are, there and here: a digest says nothing to a person."""
    told = ""
    for change in weights:
        name = change.setting.removeprefix("models.").removesuffix(".weights")
        there, here = (
            str(p.models[name].model) if name in p.models else "none" for p in (ledger.pipeline(), run.pipeline)
        )
        same = "the same name, other files" if there == here else f"was {there}"
        at = f" in {run.models[name].path}" if name in run.models and Path(run.models[name].path).is_dir() else ""
        told += f"\n  model {name}: {same}, is {here}{at}"
    return told


def _accepted(
    ledger: Reader, run: Run, folder: Path, identity: Mapping[str, Any], cast: Cast, accept: bool | None
) -> list[Change]:
    """What is other than when the run began; PipelineError where that may not be, or was not accepted."""
    changes = changes_since(ledger.run().identity, identity, cast.deciding())
    weights = [
        change for change in changes if change.setting.startswith("models.") and change.setting.endswith(".weights")
    ]
    refused = [change for change in changes if not (accept and change.may_be_accepted)]
    if refused:
        may = accept is not None and all(change.may_be_accepted for change in changes)
        remedy = ", or accept the changes with --accept-changes" if may else ""
        differ = listed(changes) + _models_told(weights, ledger, run)
        raise PipelineError(
            f"{folder}: contains another run; {differ}\nRestore the settings to continue it, or choose another --out{remedy}"
            f"{_if_empty(ledger)}."
        )
    return changes


@contextmanager
def _ledger(run: Run, prepared: Prepared, identity: Mapping[str, Any], emit: Observer) -> Iterator[Ledger]:
    assert run.folder is not None  # noqa: S101 -- the caller set it
    path = run.folder / storage.DATABASE
    if not path.exists():
        _create(run, prepared, identity, path)
    connection = storage.open_writable(path)
    try:
        if warning := storage.make_durable(connection, run.folder):
            emit(Warned(warning))
        yield Ledger(connection)
    finally:
        connection.close()


def _create(run: Run, prepared: Prepared, identity: Mapping[str, Any], path: Path) -> None:
    """A ledger that either holds its run's description or is not there."""
    with _new(run, prepared, path) as partial, closing(storage.create(partial)) as connection:
        describe(Ledger(connection), run, prepared.cast, identity)


@contextmanager
def _new(run: Run, prepared: Prepared, path: Path) -> Iterator[Path]:
    """Where a new ledger is to be written, which takes its place once it is whole; the pipeline is written beside it."""
    resolved = yaml.safe_dump(msgspec.to_builtins(run.pipeline), sort_keys=False, allow_unicode=True)
    for name, text in ((storage.SOURCE, prepared.source), (storage.RESOLVED, resolved)):
        with whole(path.with_name(name)) as partial:
            partial.write_text(text, encoding="utf-8")
    with storage.new(path) as partial:
        yield partial


def describe(ledger: Ledger, run: Run, cast: Cast, identity: Mapping[str, Any]) -> None:
    """Write into a new ledger what run it is of."""
    pipeline, identified, origins = _described(run, cast, identity)
    ledger.describe_run(run.pipeline.name, str(run.base), pipeline, identified, origins, grading_of(run.pipeline, cast))


def _described(run: Run, cast: Cast, identity: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """The pipeline as resolved and the identity, as JSON; where each plugin comes from."""
    origins = {member.name: member.origin for member in cast.members}
    return msgspec.json.encode(run.pipeline).decode(), msgspec.json.encode(identity).decode(), origins


@contextmanager
def started(run: Run, cast: Cast, emit: Observer) -> Iterator[None]:
    """Start the cast, and stop what was started, whatever happens between."""

    def warn(message: str) -> None:
        emit(Warned(message))

    begun = list[Member]()
    try:
        cast.start(run, warn, begun)
        yield
    finally:
        cast.stop(run, begun, warn)


def _emitter(cast: Cast, observers: list[Observer]) -> Observer:
    def emit(event: Event) -> None:
        for observer in observers:
            observer(event)
        tell(event)

    tell = cast.observers(lambda message: emit(Warned(message)))
    return emit
