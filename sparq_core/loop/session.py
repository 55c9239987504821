"""One `sparq run` from a pipeline file to its end: load, check, open the run folder, go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import yaml
from msgspec.structs import replace

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.events import Event, RunStarted, Warned
from sparq_core.contract.records import BenchmarkText
from sparq_core.contract.run import Run
from sparq_core.contract.weights import weights_digest
from sparq_core.ledger import storage
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.phases import check_unchanged
from sparq_core.loop.rounds import Ending, run_rounds
from sparq_core.pipeline import prepare
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.identity import check_same, grading_of, identity_of
from sparq_core.pipeline.prepare import Session, refuse_errors

Observer = Callable[[Event], None]


def execute(
    session: Session, out: Path | None, resume: bool, observers: list[Observer], interrupted: Callable[[], bool]
) -> Ending:
    """Run a session into its folder, or go on with what is there."""
    warnings = refuse_errors(prepare.check(session))
    folder = out or Path("runs") / session.run.pipeline.name
    exists = (folder / storage.DATABASE).exists()
    if exists and not resume:
        raise PipelineError(f"{folder}: holds a run already; go on with it by --resume, or give another --out")
    if not exists and not resume and folder.exists() and any(folder.iterdir()):
        raise PipelineError(f"{folder}: is not empty and holds no run; give another --out")
    models = {n: replace(m, digest=weights_digest(m.path)) for n, m in session.run.models.items()}
    run = replace(session.run, folder=folder.resolve(), models=models)
    identity = identity_of(run, session.cast)
    if exists:
        _check_same(folder, identity)
    folder.mkdir(parents=True, exist_ok=True)
    lock = storage.Lock(folder)
    try:
        emit = _emitter(session.cast, observers)
        with _ledger(run, session, identity, emit) as ledger, started(run, session.cast, emit):
            check_unchanged(run, session.cast, ledger)
            pipeline, tally = run.pipeline, ledger.tally()
            emit(RunStarted(pipeline.name, folder, exists, pipeline.rounds, pipeline.steps, tally))
            for finding in warnings:
                emit(Warned(f"{finding.place}: {finding.message}"))
            return run_rounds(run, session.cast, ledger, emit, interrupted)
    finally:
        lock.release()


def _check_same(folder: Path, identity: dict[str, object]) -> None:
    reader = Reader.open(folder)
    try:
        check_same(reader.run().identity, identity, folder)
    finally:
        reader.close()


@contextmanager
def _ledger(run: Run, session: Session, identity: dict[str, object], emit: Observer) -> Iterator[Ledger]:
    assert run.folder is not None  # noqa: S101 -- the caller set it
    path = run.folder / storage.DATABASE
    if not path.exists():
        _create(run, session, identity, path)
    connection = storage.open_writable(path)
    try:
        if warning := storage.make_durable(connection, run.folder):
            emit(Warned(warning))
        yield Ledger(connection)
    finally:
        connection.close()


def _create(run: Run, session: Session, identity: dict[str, object], path: Path) -> None:
    """A ledger that either holds its run's description or is not there."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    resolved = msgspec.to_builtins(run.pipeline)
    (path.parent / "pipeline.yaml").write_text(session.source, encoding="utf-8")
    (path.parent / "pipeline.resolved.yaml").write_text(
        yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    connection = storage.create(partial)
    describe(Ledger(connection), run, session.cast, identity)
    connection.close()
    partial.rename(path)


def describe(ledger: Ledger, run: Run, cast: Cast, identity: dict[str, object]) -> None:
    """Write into a new ledger what run it is of."""
    ledger.describe_run(
        run.pipeline.name,
        msgspec.json.encode(run.pipeline).decode(),
        msgspec.json.encode(identity).decode(),
        {member.name: member.origin for member in cast.members},
        grading_of(cast),
    )


@contextmanager
def started(run: Run, cast: Cast, emit: Observer) -> Iterator[None]:
    """Start the cast, and stop what was started, whatever happens between."""
    begun: list[str] = []
    texts = partial(_benchmark_texts, run, cast)
    try:
        for member in cast.members:
            for _, start in (pair for pair in cast.each("start") if pair[0] is member):
                start(run=run, benchmark_texts=texts, warn=lambda message: emit(Warned(message)))
            begun.append(member.name)
        yield
    finally:
        for member, stop in reversed(cast.each("stop")):
            if member.name in begun:
                _stop(member.name, stop, run, emit)


def _benchmark_texts(run: Run, cast: Cast) -> Iterator[BenchmarkText]:
    for _, benchmark_texts in cast.each("benchmark_texts"):
        yield from benchmark_texts(run=run)


def _stop(name: str, stop: Callable[..., None], run: Run, emit: Observer) -> None:
    try:
        stop(run=run)
    except Exception as error:  # noqa: BLE001 -- the run is over, the rest must still be stopped
        emit(Warned(f"plugin '{name}' did not stop cleanly: {type(error).__name__}: {error}"))


def _emitter(cast: Cast, observers: list[Observer]) -> Observer:
    disabled: set[str] = set()

    def emit(event: Event) -> None:
        for observer in observers:
            observer(event)
        for member, observe in cast.each("observe"):
            if member.name not in disabled:
                try:
                    observe(event=event)
                except Exception as error:  # noqa: BLE001 -- watching must not stop the run
                    disabled.add(member.name)
                    emit(Warned(f"observer '{member.name}' is disabled: {type(error).__name__}: {error}"))

    return emit
