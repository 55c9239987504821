"""One engine and the requests it has: when it dies or hangs, another takes its place and gets what is not answered."""

import threading
from concurrent.futures import Future

from msgspec import Struct

import sparq_core as sparq
from sparq_vllm.messages import Answers, Ask, Failed
from sparq_vllm.process import DiedError, EngineProcess, Launch

Completions = list[sparq.Completion]


class Care(Struct, frozen=True):
    """How an engine is watched."""

    place: str
    """Where the pipeline names the model, for errors."""
    stall: float
    """Seconds without a sign of life after which it is started again."""
    restarts: int
    """How often one request may see its engine die, and how often engines may die in a row without an answer."""


class Pending:
    """A request on its way, and how many engines died with it."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.deaths = 0
        self.answer: Future[Completions] = Future()


class Replica:
    """Requests in, answers in their futures; a thread of its own listens to the engine."""

    def __init__(self, launch: Launch, care: Care) -> None:
        self._launch, self._care = launch, care
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self.load = 0
        """Sequences that are not answered yet."""
        self.drawn = 0
        """Completions that it answered."""
        self._closed, self._failure = False, ""
        self._deaths: list[str] = []
        self._in_a_row = 0
        self._newest = EngineProcess(launch)
        try:
            self.ready = self._newest.opened()
        except DiedError as death:
            self._newest.kill()
            raise sparq.SparqError(f"{care.place}: vLLM did not start: {death}; its log is {launch.log}") from None
        self.engine: EngineProcess | None = self._newest
        """The process that is at work; None while another is being started."""
        self._thread = threading.Thread(target=self._watch, daemon=True, name=f"sparq-{launch.log.stem}")
        self._thread.start()

    @property
    def lost(self) -> int:
        """How many of its engines died."""
        return len(self._deaths)

    def submit(self, pendings: list[Pending]) -> None:
        """Hand requests over; their futures get the answers, or the failure that stops the run."""
        with self._lock:
            if self._failure:
                raise sparq.SparqError(self._failure)
            self._pending |= {pending.ask.id: pending for pending in pendings}
            self.load += sum(pending.ask.n for pending in pendings)
            if self.engine and pendings:
                self.engine.ask([pending.ask for pending in pendings])

    def close(self) -> None:
        """End the engine; its memory is free when this returns."""
        self._closed = True
        with self._lock:
            engine = self._newest
            at_work = engine is self.engine
        if at_work:
            engine.close()
        else:
            engine.kill()
        self._thread.join()

    def _watch(self) -> None:
        try:
            while self._may_go_on(self._live()):
                self._begin_again()
        except Exception as bug:
            self._fail(f"{self._care.place}: {bug!r}")
            raise

    def _live(self) -> str:
        """One engine's life: resolve answers as they come, until it dies; why it did."""
        engine = self._newest
        try:
            if self.engine is None:
                engine.opened()
                self._take_over(engine)
            while True:
                self._hear(engine)
        except DiedError as death:
            with self._lock:
                self.engine = None
            engine.kill()
            return str(death)

    def _begin_again(self) -> None:
        with self._lock:
            if not self._closed:
                self._newest = EngineProcess(self._launch)

    def _take_over(self, engine: EngineProcess) -> None:
        with self._lock:
            self.engine = engine
            if self._pending:
                engine.ask([pending.ask for pending in self._pending.values()])

    def _hear(self, engine: EngineProcess) -> None:
        message = engine.next(self._care.stall, idle=lambda: not self._pending)
        if isinstance(message, Failed):
            raise DiedError(engine.cause(message))
        if isinstance(message, Answers) and message.done:
            self._in_a_row = 0
            for id_, completions in message.done:
                with self._lock:
                    pending = self._pending.pop(id_)
                    self.load -= pending.ask.n
                self.drawn += pending.ask.n
                pending.answer.set_result(completions)

    def _may_go_on(self, cause: str) -> bool:
        """Whether what was asked may be asked again; else it fails, and so does whatever is asked later."""
        if self._closed:
            return False
        self._deaths.append(cause)
        self._in_a_row += 1
        with self._lock:
            for pending in self._pending.values():
                pending.deaths += 1
            most = max((pending.deaths for pending in self._pending.values()), default=0)
        if max(most, self._in_a_row) <= self._care.restarts:
            return True
        times = "" if len(self._deaths) == 1 else f" {len(self._deaths)} times, at first"
        self._fail(
            f"{self._care.place}: the vLLM engine died{times}: {self._deaths[0]}; its log is {self._launch.log}. "
            "Committed steps are kept: fix the cause, then --resume"
        )
        return False

    def _fail(self, failure: str) -> None:
        with self._lock:
            self._failure = failure
            failed, self._pending = list(self._pending.values()), {}
        for pending in failed:
            pending.answer.set_exception(sparq.SparqError(failure))
