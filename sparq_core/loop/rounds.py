"""How many steps are worked on at once."""

from collections.abc import Callable
from contextlib import closing
from math import ceil

from msgspec import Struct

from sparq_core.contract.config import Pipeline
from sparq_core.contract.events import Event, RunEnded, Warned
from sparq_core.contract.records import Model
from sparq_core.contract.run import Run
from sparq_core.contract.tally import Tally
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.writer import Ledger
from sparq_core.loop import stops
from sparq_core.loop.engine import Engine
from sparq_core.loop.meter import Meter
from sparq_core.loop.phases import Phases
from sparq_core.loop.serving import Occupancy, Samplers
from sparq_core.loop.sources import Mutations, Seeds
from sparq_core.loop.step import Workshop
from sparq_core.pipeline.cast import Cast

REQUESTS_A_SLOT = 8
"""Requests outstanding for each sequence a sampler can work on: steps wait for their slowest sample, others must fill in."""
WITHOUT_SLOTS = 4
"""Steps where a sampler does not say how much it can do at once."""
LEAST, MOST = 2, 256
MEMORY = 2**30
"""Bytes that the texts of all steps in flight may come to."""
TOKEN = 4
"""Bytes of a token's text."""


def steps_in_flight(pipeline: Pipeline, slots: int | None) -> int:
    """The number of the pipeline; for `auto`, as many steps as keep `slots` sequences busy, within bounds of memory."""
    if pipeline.in_flight != "auto":
        return pipeline.in_flight
    if slots is None:
        return WITHOUT_SLOTS
    step = pipeline.batch * pipeline.attempts.k * pipeline.attempts.max_tokens * TOKEN
    wanted = ceil(REQUESTS_A_SLOT * slots / pipeline.batch)
    return max(LEAST, min(wanted, MOST, MEMORY // step))


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
    return Rounds(run, cast, ledger, emit, interrupted).go()


class Rounds:
    """The rounds of one run. Samplers stay open from round to round, unless a phase needs their memory or changes weights."""

    def __init__(
        self, run: Run, cast: Cast, ledger: Ledger, emit: Callable[[Event], None], interrupted: Callable[[], bool]
    ) -> None:
        self._run, self._cast, self._ledger = run, cast, ledger
        self._emit, self._interrupted = emit, interrupted
        self._phases = Phases(run, run.folder, cast, ledger, emit) if run.folder else None
        self._base = self._current = run.model_of("solver")
        self._samplers = Samplers(cast, {})
        self._workshop = Workshop(run, cast, self._samplers.serve)
        self._occupancy = Occupancy(self._samplers.share, lambda: self._workshop.grading.share)
        self._meter = Meter(run.pipeline, self._occupancy)

    def go(self) -> Ending:
        """All rounds, to the end or to what stops them."""
        if self._phases:
            self._phases.benchmark(0, self._base)
        reason = None
        try:
            for round_ in range(self._run.pipeline.rounds + 1):
                reason = self._round(round_)
                if reason:
                    break
        finally:
            self._samplers.close()
        return self._end(reason)

    def _round(self, round_: int) -> str | None:
        """Generate, then the phases; why the run ends here, or None."""
        reason = self._generate(round_)
        if reason == stops.UNPARSED or (round_ and stops.mostly_unparsed(self._ledger.tally())):
            raise stops.unparsed_error(self._ledger.tally(), self._ledger)
        if reason != stops.INTERRUPTED and self._phases and round_ > 0:
            self._current = self._finish(round_, self._phases)
        return stops.INTERRUPTED if self._interrupted() else reason

    def _generate(self, round_: int) -> str | None:
        pipeline = self._run.pipeline
        self._samplers.roles = _roles(self._run, self._current)
        closed = self._ledger.steps_of(round_ + 1) > 0
        steps = self._ledger.steps_of(round_) if closed else pipeline.steps
        to_do = round_ > 0 and self._ledger.steps_of(round_) < steps
        slots = self._samplers.serve("solver").slots if to_do and pipeline.in_flight == "auto" else None
        in_flight = steps_in_flight(pipeline, slots)
        source = (
            Mutations(round_, steps, in_flight, self._run, self._cast, self._ledger, self._workshop)
            if round_
            else Seeds(self._run, self._cast)
        )
        engine = Engine(self._cast, self._ledger, self._workshop, in_flight, self._emit, self._meter)
        with closing(engine), self._occupancy:
            return engine.run_round(round_, source, stops.rule(pipeline, engine, self._interrupted, self._emit))

    def _finish(self, round_: int, phases: Phases) -> Model:
        """The phases after a round; the weights that the next one starts with."""
        dataset = phases.curate(round_)
        if self._interrupted():
            return self._current
        if self._cast.each("train"):
            self._samplers.close()
        start = self._base if self._run.pipeline.train.start == "base" else self._current
        trained = phases.train(round_, dataset, start)
        if trained is None or self._interrupted():
            return trained or self._current
        phases.benchmark(round_, trained)
        return trained

    def _end(self, reason: str | None) -> Ending:
        tally = self._meter.priced(self._ledger.tally())
        if tally.children and not tally.outcomes.get("kept"):
            self._emit(Warned(f"no problem was kept: {stops.why_none(tally)}"))
        check_conservation(self._ledger, tally)
        ending = Ending(reason or "done", stops.exit_code(reason), tally)
        self._emit(RunEnded(ending.reason, tally))
        return ending


def _roles(run: Run, current: Model) -> dict[str, Model]:
    """The weights each role plays: the trained ones for the roles that training updates, else the run's own."""
    return {
        role: current if name == current.name and role in run.pipeline.train.updates else run.models[name]
        for role, name in run.roles.items()
    }
