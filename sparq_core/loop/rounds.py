"""A whole run: seeds, then generate → curate → train → benchmark, round by round."""

from collections.abc import Callable
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.errors import Interrupted
from sparq_core.contract.events import Event, RunEnded, Warned
from sparq_core.contract.records import Model
from sparq_core.contract.run import Run
from sparq_core.contract.tally import Tally
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.writer import Ledger
from sparq_core.loop import stops
from sparq_core.loop.checkpoints import Checkpoints
from sparq_core.loop.engine import Engine
from sparq_core.loop.in_flight import memory, steps_in_flight
from sparq_core.loop.meter import Meter
from sparq_core.loop.occupancy import Occupancy
from sparq_core.loop.phases import Phases
from sparq_core.loop.serving import Hear, Samplers
from sparq_core.loop.sources import Mutations, Seeds
from sparq_core.loop.step import StepRunner
from sparq_core.pipeline.cast import Cast


class Ending(Struct, frozen=True):
    """How a run ended."""

    reason: str
    """`done`, or what stopped it."""
    exit_code: int
    tally: Tally


class Rounds:
    """
    The rounds of one run: `go` does what the ledger does not hold yet.

    Samplers stay open from round to round, unless a phase needs their memory or changes weights. A run without a folder has
    no phases. `hear` is told the requests of every call of a sampler.
    """

    def __init__(
        self,
        run: Run,
        cast: Cast,
        ledger: Ledger,
        emit: Callable[[Event], None],
        interrupted: Callable[[], bool] = lambda: False,
        most_seeds: int | None = None,
        hear: Hear = lambda _: None,
    ) -> None:
        self._run, self._cast, self._ledger, self._most_seeds = run, cast, ledger, most_seeds
        self._emit, self._interrupted, self._in_flight = emit, interrupted, 1
        self._phases = Phases(run, run.folder, cast, ledger, emit) if run.folder else None
        self._trained: Model | None = None
        self._occupancy = Occupancy(lambda: self.samplers.share, lambda: self._runner.grading.share)
        self._meter = Meter(
            run.pipeline,
            ledger.tally(),
            self._occupancy,
            lambda: self.samplers.retried,
            lambda: self.samplers.replicas,
        )
        allow = stops.fuse(run.pipeline, self._meter, lambda: self._in_flight, cast.proposers)
        self.samplers = Samplers(cast, hear, allow, self._meter.drew)
        self._runner = StepRunner(run, cast, self.samplers.serve, cast.policy(run))
        self._checkpoints = Checkpoints(run, cast, ledger, emit)

    def go(self) -> Ending:
        """All rounds, to the end or to what stops them."""
        reason = None
        try:
            if self._phases:
                self._phases.expect_solutions()
                self._begin(self._phases)
            self._checkpoints.restore()
            for round_ in range(self._run.pipeline.rounds + 1):
                reason = self._round(round_)
                if reason:
                    break
        except Interrupted:
            if not self._interrupted():
                raise
            reason = stops.INTERRUPTED
        finally:
            self._checkpoints.close()
            self.samplers.close()
        return self._end(reason)

    def _begin(self, phases: Phases) -> None:
        """What comes before the first step; from here on there is something to interrupt."""
        if not self._interrupted():
            phases.benchmark_base(self._run.trained)

    def pool(self) -> Ending:
        """The seeds and the first round's steps, without what follows: what runs that differ in that alone can share."""
        if self._phases:
            self._phases.expect_solutions()
        try:
            self._checkpoints.restore()
            reason = self._round(0)
            if not reason and self._run.pipeline.rounds:
                reason = self._generate_well(1)
        finally:
            self._checkpoints.close()
            self.samplers.close()
        return self._end(stops.INTERRUPTED if self._interrupted() else reason)

    def _round(self, round_: int) -> str | None:
        """Generate, then the phases; why the run ends here, or None."""
        reason = self._generate_well(round_)
        if reason != stops.INTERRUPTED and self._phases and (round_ or self._run.pipeline.train.seeds):
            self._trained = self._finish(round_, self._phases)
        return stops.INTERRUPTED if self._interrupted() else reason

    def _generate_well(self, round_: int) -> str | None:
        """Generate; SparqError where most of what was written cannot be read."""
        reason = self.generate(round_)
        if reason == stops.UNPARSED or (round_ and stops.mostly_unparsed(self._meter.tally)):
            raise stops.unparsed_error(self._meter.tally, self._ledger)
        return reason

    def generate(self, round_: int) -> str | None:
        """The steps of a round that the ledger does not hold yet; why they ended early, or None."""
        pipeline, done = self._run.pipeline, self._ledger.steps_of(round_)
        self.samplers.roles = roles_of(self._run, self._trained)
        closed = self._ledger.steps_of(round_ + 1) > 0
        steps = done if closed else pipeline.steps
        asks_slots = round_ > 0 and done < steps and pipeline.in_flight == "auto"
        slots = self.samplers.serve("solver").slots if asks_slots else None
        self._in_flight = steps_in_flight(pipeline, slots, memory())
        source = (
            Mutations(round_, steps, self._run, self._cast, self._ledger, self._runner)
            if round_
            else Seeds(self._run, self._cast, self._most_seeds)
        )
        stop = stops.rule(pipeline, self._meter, self._interrupted, self._emit)
        engine = Engine(
            self._cast,
            self._ledger,
            self._runner,
            source,
            self._in_flight,
            self._emit,
            self._meter,
            stop,
            self._checkpoints,
        )
        with closing(engine), self._occupancy:
            reason = engine.run()
        return None if closed and reason != stops.INTERRUPTED else reason  # what came later, the budget had room for

    def _finish(self, round_: int, phases: Phases) -> Model | None:
        """The phases after a round; the last trained weights, which the next one starts with."""
        dataset = phases.curate(round_) if round_ else phases.seeds()
        if self._interrupted():
            return self._trained
        if phases.trains:
            self.samplers.close()
        last = self._trained if self._run.pipeline.train.start == "current" else None
        trained = phases.train(round_, dataset, last or self._run.trained)
        if trained is None or self._interrupted():
            return trained or self._trained
        phases.benchmark(round_, trained)
        phases.describe(round_, trained)
        return trained

    def _end(self, reason: str | None) -> Ending:
        tally = self._meter.tally
        if tally.children and not tally.outcomes.get("kept"):
            self._emit(Warned(f"no problem was kept: {stops.why_none(tally)}"))
        check_conservation(self._ledger, tally)
        ending = Ending(reason or "done", exit_code(reason), tally)
        self._emit(RunEnded(ending.reason, tally))
        return ending


def exit_code(reason: str | None) -> int:
    """0 done, 3 stopped by a budget, 4 interrupted."""
    if reason is None:
        return 0
    return 4 if reason == stops.INTERRUPTED else 3


def roles_of(run: Run, trained: Model | None) -> dict[str, Model]:
    """
    The weights each role plays: the trained ones for the roles that training updates, else the run's own.

    Trained weights go by the name of the model that played the role before: they are served and paid for as it was.
    """
    own = {role: run.models[name] for role, name in run.roles.items()}
    updated = run.pipeline.updated() if trained else {}
    return own | {role: replace(trained, name=name) for role, name in updated.items() if trained}
