"""
The event loop: steps are issued in order, worked on concurrently and committed in order.

What `select` of step i sees is exactly the steps up to its horizon, i − in_flight, and the parents of the issued steps after
it. Live, drained and resumed rounds run the same loop, so they make the same choices.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from itertools import count
from typing import Any

from sparq_core.contract.errors import NoParents, SparqError
from sparq_core.contract.events import Event, RoundStarted, StepCommitted, Warned
from sparq_core.contract.records import Problem, Rejection
from sparq_core.ledger.entries import StepRecord
from sparq_core.ledger.proof import Proof
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.checkpoints import Checkpoints
from sparq_core.loop.meter import Meter, Spent
from sparq_core.loop.sources import Issue, Source
from sparq_core.loop.step import Candidate, Proposed, Slot, StepRunner, turned_away
from sparq_core.loop.stops import Ahead, StopRule, rejected_for
from sparq_core.pipeline.cast import Cast


class Flight:
    """A step between its issue and its commit."""

    def __init__(self, slot: Slot, issue: Issue, proposing: "Future[Proposed]") -> None:
        self.slot, self.issue, self.proposing = slot, issue, proposing
        self.working: Future[StepRecord] | None = None

    @property
    def next_future(self) -> "Future[Any]":
        return self.working or self.proposing

    @property
    def worked(self) -> bool:
        """Whether it is worked through."""
        return self.working is not None and self.working.done()

    @cached_property
    def spent(self) -> Spent:
        """What it drew; once it is worked through."""
        return Spent.of(self.working.result()) if self.working and _succeeded(self.working) else Spent()

    @property
    def children(self) -> int:
        """How many it has, expected until they are there."""
        return len(self.proposing.result().candidates) if _succeeded(self.proposing) else self.issue.children


def _succeeded(future: "Future[Any]") -> bool:
    return future.done() and not future.exception()


class Engine:
    """One round against one ledger."""

    def __init__(
        self,
        cast: Cast,
        ledger: Ledger,
        runner: StepRunner,
        source: Source,
        in_flight: int,
        emit: Callable[[Event], None],
        meter: Meter,
        stop: StopRule,
        checkpoints: Checkpoints,
    ) -> None:
        self._cast, self._ledger, self._runner, self._source = cast, ledger, runner, source
        self._in_flight, self._emit, self._meter, self._stop = in_flight, emit, meter, stop
        self._proof = Proof(ledger)
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="sparq-step")
        self._round = source.round
        self._done = ledger.steps_of(self._round)
        self._checkpoints, self._admitted = checkpoints, self._done
        self._folded, self._readmitted = checkpoints.known(self._round, self._done)
        self._flights: dict[int, Flight] = {}
        self._childless_told = False

    def close(self) -> None:
        """Wait for the steps at work and drop the ones waiting."""
        self._pool.shutdown(cancel_futures=True)

    def run(self) -> str | None:
        """Replay what the ledger holds of the round, then do the rest; why it ended early, or None."""
        self._emit(RoundStarted(self._round, self._done))
        reason = None
        for step in count(1):
            if step <= self._done:
                self._fold_to(max(step - self._in_flight, self._ledger.step_row(self._round, step).horizon))
                if step > self._readmitted:
                    self._readmit(step)
                self._source.skip()
                continue
            self._fold_to(step - self._in_flight)
            reason = self._reason_to_stop()
            issued = None if reason else self._issue(step)
            if issued is None:
                break
            slot = Slot(self._round, step, self._folded, self._in_flight, issued.parents)
            self._flights[step] = Flight(slot, issued, self._pool.submit(issued.propose))
        self._fold_to(step - 1)
        return reason or self._reason_to_stop()  # with all steps committed, as a run that is resumed now sees them

    # -- issue ---------------------------------------------------------------------------------------------------------

    def _issue(self, step: int) -> Issue | None:
        """The next step; where nothing may be a parent, once more with all that is in flight folded in."""
        try:
            return self._source.issue(step, self._folded, self._pending(step))
        except NoParents:
            self._fold_to(step - 1)
        try:
            return self._source.issue(step, self._folded, ())
        except NoParents as error:
            if step == 1:
                raise NoParents(f"{error}{rejected_for(self._meter.tally)}") from None
            self._emit(Warned(f"round {self._round} ends after {step - 1} steps: {error}"))
            return None

    def _pending(self, step: int) -> list[str]:
        steps = range(self._folded + 1, step)
        return [
            parent
            for s in steps
            for parent in (
                self._flights[s].slot.parents if s in self._flights else self._ledger.step_row(self._round, s).parents
            )
        ]

    def _reason_to_stop(self) -> str | None:
        """Why no further step is issued, or None; waits for steps in flight where it depends on what they draw."""
        while True:
            at_rest = self._at_rest()  # before the rule looks: what is worked through after that, it has not seen
            reason, sure = self._stop(self._ahead)
            if sure or at_rest:
                return reason
            self._wait()

    def _ahead(self) -> Ahead:
        """What the steps in flight have drawn, those worked through, and what the others may draw at most."""
        worked, others = list[Flight](), list[Flight]()
        for flight in self._flights.values():  # each is looked at once: it may be worked through in between
            (worked if flight.worked else others).append(flight)
        most = sum(self._runner.most_attempts(self._round, f.children, f.issue.known) for f in others)
        return Ahead(sum((flight.spent for flight in worked), Spent()), most)

    def _at_rest(self) -> bool:
        """Whether no step in flight can get further: all are worked through, or one has failed."""
        awaited = self._folded + 1
        self._admit_proposed(awaited)
        return not self._pending_futures() and self._to_admit(awaited) is None

    def _pending_futures(self) -> "list[Future[Any]]":
        return [f.next_future for f in self._flights.values() if not f.next_future.done()]

    def _wait(self) -> None:
        """Until one more of the steps in flight is further."""
        wait(self._pending_futures(), return_when=FIRST_COMPLETED)

    # -- commit --------------------------------------------------------------------------------------------------------

    def _fold_to(self, horizon: int) -> None:
        while self._folded < horizon:
            step = self._folded + 1
            if step <= self._done:
                self._replay(step)
            else:
                self._commit(self._finished(step))
            self._folded = step

    def _finished(self, step: int) -> StepRecord:
        """Wait for a step, and admit the children of whichever steps come up meanwhile."""
        while True:
            self._admit_proposed(step)
            flight = self._flights[step]
            if flight.working and flight.working.done():
                return flight.working.result()
            self._wait()

    def _commit(self, record: StepRecord) -> None:
        metrics = self._cast.commit(record.committed)
        tally = self._meter.add(record)
        self._ledger.commit_step(record, metrics, tally)
        self._checkpoints.committed(record, tally, self._admitted, self._in_flight)
        del self._flights[record.step]
        self._emit(StepCommitted(self._round, record.step, tally, metrics))
        if not self._childless_told and (told := childless(record)):
            self._emit(Warned(told))
            self._childless_told = True

    def _replay(self, step: int) -> None:
        recorded = self._ledger.step_row(self._round, step).metrics
        metrics = self._cast.commit(self._proof.record(self._round, step).committed)
        if metrics != recorded:
            names = sorted(n for n in metrics.keys() | recorded.keys() if metrics.get(n) != recorded.get(n))
            differ = ", ".join(f"{name} was {recorded.get(name)}, now {metrics.get(name)}" for name in names)
            raise SparqError(
                f"resume: step {self._round}.{step} does not give the recorded metrics: {differ}; the plugin of this metric "
                "has changed or is not deterministic: restore it, or start a new run"
            )

    # -- admit ---------------------------------------------------------------------------------------------------------

    def _admit_proposed(self, awaited: int) -> None:
        """Admit in step order as far as proposals are there; a failed one is raised when its own step is awaited."""
        while flight := self._to_admit(awaited):
            step = self._admitted + 1
            proposed = flight.proposing.result()
            admitted = Proposed(self._admit(step, proposed.candidates), proposed.completions)
            flight.working = self._pool.submit(self._runner.work, flight.slot, admitted, flight.issue.known)
            self._admitted = step

    def _to_admit(self, awaited: int) -> Flight | None:
        """The flight whose children are next to be admitted, if they are there."""
        flight = self._flights.get(self._admitted + 1)
        if flight is None or not flight.proposing.done():
            return None
        return flight if self._admitted + 1 == awaited or not flight.proposing.exception() else None

    def _admit(self, step: int, children: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        def ask(problems: list[Problem]) -> list[Rejection | None]:
            return self._cast.admit(f"step {self._round}.{step}", problems)

        return turned_away(children, ask)

    def _readmit(self, step: int) -> None:
        """Ask `admit` again about a recorded step, so that its plugins know those children, and hold it to its word."""
        recorded = self._ledger.proposed(self._round, step)
        children = tuple(Candidate(p, r if r and r.unread else None) for p, r in recorded)
        for (problem, before), now in zip(recorded, self._admit(step, children), strict=True):
            was = before if before and not before.screened else None
            if was != now.rejection:
                raise SparqError(
                    f"resume: `admit` answered differently for problem {problem.id}: recorded {_told(was)}, now "
                    f"{_told(now.rejection)}; that plugin has changed or is not deterministic: restore it, or start a new "
                    "run"
                )


def childless(record: StepRecord) -> str | None:
    """What to say of a step with parents that nothing was written from, or None; told once a round."""
    parents = set(record.parents)
    without = len(parents - {parent for worked in record.worked for parent in worked.child.problem.parents})
    if not without:
        return None
    return (
        f"step {record.round}.{record.step}: {without} of {len(parents)} parents have no child; `propose` answers a draft for "
        "every child it was to write, with `unparsed` where it could not be read"
    )


def _told(rejection: Rejection | None) -> str:
    return f"'{rejection.plugin}: {rejection.reason}'" if rejection else "admitted"
