"""What a run shows while it works where there is no terminal: plain lines."""

import time
from collections.abc import Mapping

from rich.console import Console

from sparq_core.cli.wording import plain
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
from sparq_core.contract.wording import funnel, metric_name

CHECKING = "checking plugins, settings and models"
"""What is done before a run starts, which may take as long as a benchmark takes to load."""
LINE_EVERY = 5.0
"""Least seconds between two plain lines."""
PHASE_NAMES = {
    "seeds": "collecting the seeds' solutions",
    "curate": "curating",
    "train": "training",
    "benchmark": "benchmarking",
}


def duration(seconds: float) -> str:
    """A time as `2h 05m` or `5m 10s`."""
    minutes = int(seconds // 60)
    return f"{minutes // 60:,}h {minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m {int(seconds % 60):02d}s"


class Pace:
    """Attempts per second since the round began here, and time left at this pace."""

    def __init__(self) -> None:
        self.restart(0, 0, 0)

    def restart(self, done: int, steps: int, attempts: int) -> None:
        self._began, self._first_step, self._first_attempts = time.monotonic(), done, attempts
        self.step, self.steps, self.attempts = done, steps, attempts

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        return (self.attempts - self._first_attempts) / max(1e-9, self.elapsed)

    @property
    def left(self) -> str:
        done = self.step - self._first_step
        if not done or not self.steps:
            return "?"
        return duration(self.elapsed / done * max(0, self.steps - self.step))


class PlainProgress:
    """One line for each phase, and one every few seconds of generating."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace, self._round, self._steps, self._attempts, self._last = Pace(), 0, 0, 0, 0.0
        self._print(CHECKING)

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._steps, self._attempts = event.steps, event.tally.attempts
                self._print(f"{'resuming' if event.resumed else 'starting'} run {event.name} in {event.folder}")
            case RoundStarted():
                self._round, self._last = event.round, 0.0
                self._pace.restart(event.done, self._steps if event.round else 0, self._attempts)
                what = "seeds" if event.round == 0 else f"round {event.round}"
                self._print(f"{what}: {event.done} steps already done" if event.done else what)
            case StepCommitted():
                self._step(event)
            case PhaseStarted():
                self._print(f"{PHASE_NAMES.get(event.name, event.name)}{of_round(event)} …")
            case PhaseFinished():
                self._print(
                    f"{PHASE_NAMES.get(event.name, event.name)}{of_round(event)}: {event.detail} ({event.seconds:.0f} s)"
                )
            case Warned():
                self._print(f"warning: {event.message}")
            case RunEnded():
                self._print(f"ended: {event.reason}")

    def _step(self, event: StepCommitted) -> None:
        self._pace.step, self._pace.attempts = event.step, event.tally.attempts
        self._attempts = event.tally.attempts
        now, last = time.monotonic(), event.step == self._pace.steps
        if now - self._last < LINE_EVERY and not last:
            return
        self._last = now
        if event.round == 0:
            self._print(f"seeds {event.tally.seeds:,} ({event.tally.seeds_kept:,} kept)")
            return
        counts = ", ".join(f"{n:,} {name}" for name, n in funnel(event.tally) if n)
        self._print(
            f"round {event.round} step {event.step}/{self._pace.steps} · {event.tally.attempts:,} attempts "
            f"({self._pace.rate:.0f}/s) · {counts} · {metrics_of(event.metrics)} · {self._pace.left} left"
        )

    def _print(self, text: str) -> None:
        self._console.print(plain(f"[{time.strftime('%H:%M:%S')}] {text}"), soft_wrap=True)


def of_round(event: PhaseStarted | PhaseFinished) -> str:
    """Which model a phase works on, as it follows the phase's name."""
    if event.base:
        return " the base model"
    if event.round == 0:
        return {"train": " on the seeds", "benchmark": " the model trained on the seeds"}.get(event.name, "")
    return f" round {event.round}" + "'s model" * (event.name == "benchmark")


def metrics_of(metrics: Mapping[str, float]) -> str:
    """All metrics on a line."""
    return ", ".join(f"{metric_name(key)} {value:,.4g}" for key, value in metrics.items())
