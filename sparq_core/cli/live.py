"""What a run shows on a terminal: a panel that a thread of its own draws, so that the run never waits for it."""

import threading
import time
from contextlib import closing
from typing import Self

from rich.console import Console, RenderableType
from rich.control import Control
from rich.live import Live
from rich.text import Text

from sparq_core.cli.following import Followed
from sparq_core.cli.panel import View, panel
from sparq_core.cli.progress import PHASE_NAMES, of_round
from sparq_core.cli.wording import plain
from sparq_core.contract import workers
from sparq_core.contract.events import (
    Event,
    PhaseFinished,
    PhaseStarted,
    RoundStarted,
    RunEnded,
    RunStarted,
    StepCommitted,
    Warned,
)

OFTEN = 0.5
"""Least seconds between two drawings."""
REST = 300
"""A drawing is followed by a rest of so many times the processor time that it took: a third of a percent of one core."""
PATIENCE = 5.0
"""Seconds that the end of a run waits for a drawing to be done."""


class LiveProgress:
    """A panel that redraws itself as long as it is a context; it is told events, and reads the rest from the ledger."""

    def __init__(self, console: Console) -> None:
        self._console, self._view = console, View()
        self._rounds = self._steps = 0
        self._live = Live(get_renderable=self._render, console=console, auto_refresh=False, transient=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="panel", daemon=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        self._live.stop()

    def __call__(self, event: Event) -> None:
        view = self._view
        match event:
            case RunStarted():
                view.name, view.folder, view.tally = event.name, event.folder, event.tally
                self._rounds, self._steps = event.rounds, event.steps
                how = "Resuming" if event.resumed else "Starting"
                self._say(f"{how} ", plain(event.name, "bold"), plain(f" in {event.folder}"))
            case RoundStarted():
                doing = f"round {event.round}" + f" of {self._rounds}" * (self._rounds > 1) if event.round else "seeds"
                self._begin(doing, event.done, bool(event.round))
            case StepCommitted():
                view.tally, view.metrics = event.tally, event.metrics
                view.pace.step, view.pace.attempts = event.step, event.tally.attempts
            case PhaseStarted():
                self._begin(f"{PHASE_NAMES.get(event.name, event.name)}{of_round(event)}", 0, False)
            case PhaseFinished():
                name = PHASE_NAMES.get(event.name, event.name)
                done = plain(f" {name}{of_round(event)}: {event.detail} ")
                self._say(("✓", "green"), done, (f"({event.seconds:.0f} s)", "dim"))
            case Warned():
                view.warned.append(event.message)
                self._say(plain(f"⚠ {event.message}", "yellow"))
            case RunEnded():
                pass

    def _begin(self, doing: str, done: int, counted: bool) -> None:
        view = self._view
        view.doing, view.begun_with = doing, view.tally
        view.pace.restart(done, self._steps if counted else 0, view.tally.attempts)

    def _say(self, *parts: str | Text | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def _render(self) -> RenderableType:
        return panel(self._view, *self._console.size)

    def _draw(self) -> None:
        """Draw until the run is over; a terminal that got another size is cleared first, as its lines were broken anew."""
        with closing(Followed()) as ledger:
            size = self._console.size
            while not self._over.is_set():
                began = time.thread_time()
                if self._view.folder:
                    ledger.look(self._view.folder, self._view)
                self._view.said = workers.last_line()
                if size != (size := self._console.size):
                    self._console.control(Control.clear(), Control.home())
                self._live.refresh()
                self._over.wait(max(OFTEN, REST * (time.thread_time() - began)))
