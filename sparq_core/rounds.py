"""A whole run: seeds, then generate → curate → train → benchmark, round by round."""

from collections.abc import Callable

from msgspec import Struct

from sparq_core import stops, tallies
from sparq_core.alarms import watching
from sparq_core.engine import Engine
from sparq_core.events import Event, RunEnded, Tally, Warned
from sparq_core.ledger import Ledger
from sparq_core.phases import Phases
from sparq_core.plugins import Cast
from sparq_core.records import Model
from sparq_core.run import Run
from sparq_core.samplers import Samplers
from sparq_core.sources import Mutations, Seeds
from sparq_core.steps import Workshop


class Ending(Struct, frozen=True):
    """How a run ended."""

    reason: str
    """`done`, or what stopped it."""
    exit_code: int
    tally: Tally


def run_rounds(
    run: Run, cast: Cast, ledger: Ledger, emit: Callable[[Event], None], interrupted: Callable[[], bool]
) -> Ending:
    """Do what the ledger does not hold yet. `run.folder` may be None, then no phase is done."""
    emit = watching(emit)
    phases = Phases(run, run.folder, cast, ledger, emit) if run.folder else None
    meter = tallies.Meter(run.pipeline)
    base = run.model_of("solver")
    if phases:
        phases.benchmark(0, base)
    current, reason = base, None
    for round_ in range(run.pipeline.rounds + 1):
        reason = _generate(round_, run, cast, ledger, emit, interrupted, current, meter)
        if reason == stops.UNPARSED or (round_ and stops.mostly_unparsed(ledger.tally())):
            raise stops.unparsed_error(ledger.tally(), ledger)
        if reason != stops.INTERRUPTED and phases and round_ > 0:
            current = _finish(round_, run, phases, base, current, interrupted)
        reason = stops.INTERRUPTED if interrupted() else reason
        if reason:
            break
    tally = meter.priced(ledger.tally())
    if tally.children and not tally.outcomes.get("kept"):
        emit(Warned(f"no problem was kept: {stops.why_none(tally)}"))
    tallies.check_conservation(ledger, tally)
    ending = Ending(reason or "done", stops.exit_code(reason), tally)
    emit(RunEnded(ending.reason, tally))
    return ending


def _generate(
    round_: int,
    run: Run,
    cast: Cast,
    ledger: Ledger,
    emit: Callable[[Event], None],
    interrupted: Callable[[], bool],
    current: Model,
    meter: tallies.Meter,
) -> str | None:
    samplers = Samplers(cast, _roles(run, current))
    workshop = Workshop(run, cast, samplers.serve)
    engine = Engine(cast, ledger, workshop, run.pipeline.in_flight, emit, meter)
    closed = ledger.steps_of(round_ + 1) > 0
    steps = ledger.steps_of(round_) if closed else run.pipeline.steps
    source = Mutations(round_, steps, run, cast, ledger, workshop) if round_ else Seeds(run, cast)
    rule = stops.rule(run.pipeline, engine, interrupted, emit)
    try:
        return engine.run_round(round_, source, rule)
    finally:
        engine.close()
        samplers.close()


def _roles(run: Run, current: Model) -> dict[str, Model]:
    """The weights each role plays: the trained ones for the roles that training updates, else the run's own."""
    return {
        role: current if name == current.name and role in run.pipeline.train.updates else run.models[name]
        for role, name in run.roles.items()
    }


def _finish(
    round_: int, run: Run, phases: Phases, base: Model, current: Model, interrupted: Callable[[], bool]
) -> Model:
    dataset = phases.curate(round_)
    if interrupted():
        return current
    start = base if run.pipeline.train.start == "base" else current
    trained = phases.train(round_, dataset, start)
    if trained is None or interrupted():
        return trained or current
    phases.benchmark(round_, trained)
    return trained
