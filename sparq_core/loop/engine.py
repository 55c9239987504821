"""
The event loop: steps are issued in order, worked on concurrently and committed in order.

What `select` of step i sees is exactly the steps up to its horizon, i − in_flight, and the parents of the issued steps after
it. Live, drained and resumed rounds run the same loop, so they make the same choices.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count
from typing import Any

from sparq_core.contract.errors import SparqError
from sparq_core.contract.events import Event, RoundStarted, StepCommitted
from sparq_core.contract.records import Rejection, Step
from sparq_core.ledger.entries import StepRecord
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.meter import Meter
from sparq_core.loop.sources import Issue, Source
from sparq_core.loop.step import Candidate, Done, Proposed, Workshop, ask_rejections
from sparq_core.pipeline.cast import Cast

StopRule = Callable[[], str | None]
"""Why no further step should be issued, or None; reads committed counters only."""


class Flight:
    """A step between its issue and its commit."""

    def __init__(self, issue: Issue, proposing: "Future[Proposed]") -> None:
        self.parents, self.known = issue.parents, issue.known
        self.proposing = proposing
        self.working: Future[Done] | None = None

    @property
    def next_future(self) -> "Future[Any]":
        return self.working or self.proposing


class Engine:
    """Runs rounds against one ledger."""

    def __init__(
        self,
        cast: Cast,
        ledger: Ledger,
        workshop: Workshop,
        in_flight: int,
        emit: Callable[[Event], None],
        meter: Meter,
    ) -> None:
        self._cast, self._ledger, self._workshop = cast, ledger, workshop
        self._in_flight, self._emit, self._meter = in_flight, emit, meter
        self._pool = ThreadPoolExecutor(in_flight, thread_name_prefix="sparq-step")
        self.tally = meter.priced(ledger.tally())

    def close(self) -> None:
        """Wait for the steps at work and drop the ones waiting."""
        self._pool.shutdown(cancel_futures=True)

    def run_round(self, round: int, source: Source, stop: StopRule) -> str | None:
        """Replay what the ledger holds of a round, then do the rest; why it ended early, or None."""
        self._round, self._done = round, self._ledger.steps_of(round)
        self._folded, self._admitted = 0, self._done
        self._flights: dict[int, Flight] = {}
        self._emit(RoundStarted(round, self._done))
        reason = None
        for step in count(1):
            self._fold_to(step - self._in_flight)
            if step <= self._done:
                self._readmit(step)
                source.skip()
                continue
            reason = stop()
            issued = None if reason else source.issue(step, self._pending(step))
            if issued is None:
                break
            self._flights[step] = Flight(issued, self._pool.submit(issued.propose))
        self._fold_to(step - 1)
        return reason

    def _pending(self, step: int) -> list[str]:
        steps = range(self._folded + 1, step)
        return [
            parent
            for s in steps
            for parent in (
                self._flights[s].parents if s in self._flights else self._ledger.step_row(self._round, s).parents
            )
        ]

    def _fold_to(self, horizon: int) -> None:
        while self._folded < horizon:
            step = self._folded + 1
            if step <= self._done:
                self._replay(step)
            else:
                self._commit(step, self._finish(step))
            self._folded = step

    def _finish(self, step: int) -> Done:
        """Wait for a step, and admit the children of whichever steps come up meanwhile."""
        while True:
            self._admit_proposed(step)
            flight = self._flights[step]
            if flight.working and flight.working.done():
                return flight.working.result()
            wait(
                [f.next_future for f in self._flights.values() if not f.next_future.done()], return_when=FIRST_COMPLETED
            )

    def _admit_proposed(self, awaited: int) -> None:
        """Admit in step order as far as proposals are there; a failed one is raised when its own step is awaited."""
        while flight := self._flights.get(self._admitted + 1):
            step = self._admitted + 1
            if not flight.proposing.done() or (flight.proposing.exception() and step != awaited):
                return
            proposed = flight.proposing.result()
            children = self._admit(proposed.candidates)
            admitted = Proposed(tuple(children), proposed.completions)
            flight.working = self._pool.submit(self._workshop.work, self._round, step, admitted, flight.known)
            self._admitted = step

    def _admit(self, children: tuple[Candidate, ...]) -> list[Candidate]:
        admitted = list(children)
        for member, admit in self._cast.each("admit"):
            admitted = ask_rejections(self._cast, "admit", member, admit, admitted)
        return admitted

    def _readmit(self, step: int) -> None:
        """Ask `admit` again about a recorded step, so that its plugins know those children, and hold it to its word."""
        recorded = self._ledger.proposed(self._round, step)
        children = tuple(Candidate(p, r if r and r.hook == "propose" else None) for p, r in recorded)
        for (problem, before), now in zip(recorded, self._admit(children), strict=True):
            was = before if before and before.hook != "screen" else None
            if was != now.rejection:
                raise SparqError(
                    f"resume: `admit` answered differently for problem {problem.id}: recorded {_told(was)}, now "
                    f"{_told(now.rejection)}; a plugin of this run is not repeatable, start a new run"
                )

    def _commit(self, step: int, done: Done) -> None:
        record = StepRecord(
            round=self._round,
            step=step,
            horizon=max(0, step - self._in_flight),
            in_flight=self._in_flight,
            parents=self._flights[step].parents,
            model=done.model,
            worked=done.worked,
            completions=done.completions,
            again=done.again,
        )
        children = tuple(worked.child for worked in done.worked)
        again = tuple(retried.child for retried in done.again)
        metrics = self._fold(Step(round=self._round, step=step, parents=record.parents, children=children, again=again))
        self.tally = self._meter.add(self.tally, record)
        self._ledger.commit_step(record, metrics, self.tally)
        del self._flights[step]
        self._emit(StepCommitted(self._round, step, self.tally, metrics))

    def _replay(self, step: int) -> None:
        recorded = self._ledger.step_row(self._round, step).metrics
        metrics = self._fold(self._ledger.step(self._round, step))
        if metrics != recorded:
            raise SparqError(
                f"resume: step {self._round}.{step} gave the metrics {recorded}, on replay {metrics}; a plugin of this run "
                "is not repeatable, start a new run"
            )

    def _fold(self, step: Step) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for _, commit in self._cast.each("commit"):
            metrics |= commit(step=step) or {}
        return metrics


def _told(rejection: Rejection | None) -> str:
    return f"'{rejection.plugin}: {rejection.reason}'" if rejection else "admitted"
