"""What a run shows while it works: a live panel on a terminal, plain lines elsewhere."""

import time
from collections.abc import Mapping
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sparq_core.cli.wording import plain, reasons
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
from sparq_core.contract.tally import Tally
from sparq_core.contract.wording import funnel, metric_name

LINE_EVERY = 5.0
"""Least seconds between two plain lines."""
PHASE_NAMES = {
    "seeds": "taking the seeds' own solutions",
    "curate": "curating",
    "train": "training",
    "benchmark": "benchmarking",
}


class Pace:
    """Attempts per second since the round began here, and time left at this pace."""

    def __init__(self) -> None:
        self.restart(0, 0, 0)

    def restart(self, done: int, steps: int, attempts: int) -> None:
        self._began, self._first_step, self._first_attempts = time.monotonic(), done, attempts
        self.step, self.steps, self.attempts = done, steps, attempts

    @property
    def rate(self) -> float:
        return (self.attempts - self._first_attempts) / max(1e-9, time.monotonic() - self._began)

    @property
    def left(self) -> str:
        done = self.step - self._first_step
        if not done or not self.steps:
            return "?"
        seconds = (time.monotonic() - self._began) / done * max(0, self.steps - self.step)
        return f"{int(seconds // 60)}m {int(seconds % 60):02d}s"


class PlainProgress:
    """One line for each phase, and one every few seconds of generating."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pace, self._round, self._steps, self._attempts, self._last = Pace(), 0, 0, 0, 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._steps, self._attempts = event.steps, event.tally.attempts
                self._print(f"{'going on with' if event.resumed else 'starting'} run {event.name} in {event.folder}")
            case RoundStarted():
                self._round, self._last = event.round, 0.0
                self._pace.restart(event.done, self._steps if event.round else 0, self._attempts)
                what = "seeds" if event.round == 0 else f"round {event.round}"
                self._print(f"{what}: {event.done} steps already done" if event.done else what)
            case StepCommitted():
                self._step(event)
            case PhaseStarted():
                self._print(f"{PHASE_NAMES.get(event.name, event.name)}{_of_round(event)} …")
            case PhaseFinished():
                self._print(
                    f"{PHASE_NAMES.get(event.name, event.name)}{_of_round(event)}: {event.detail} ({event.seconds:.0f} s)"
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
            f"({self._pace.rate:.0f}/s) · {counts} · {_metrics(event.metrics)} · left {self._pace.left}"
        )

    def _print(self, text: str) -> None:
        self._console.print(plain(f"[{time.strftime('%H:%M:%S')}] {text}"), soft_wrap=True)


class LiveProgress:
    """A panel that redraws itself: the bar, the funnel and the archive. Use as a context."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TaskProgressColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._task = self._bar.add_task("starting", total=None, rate="")
        self._pace, self._steps, self._tally = Pace(), 0, Tally()
        self._metrics: Mapping[str, float] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._steps, self._tally = event.steps, event.tally
                how = "Going on with" if event.resumed else "Starting"
                self._say(f"{how} ", plain(event.name, "bold"), plain(f" in {event.folder}"))
            case RoundStarted():
                total = self._steps if event.round else None
                self._pace.restart(event.done, total or 0, self._tally.attempts)
                self._restart("seeds" if event.round == 0 else f"round {event.round}", total, event.done)
            case StepCommitted():
                self._tally, self._metrics = event.tally, event.metrics
                self._pace.step, self._pace.attempts = event.step, event.tally.attempts
                rate = f"{self._pace.rate:,.0f} attempts/s" if event.round else f"{event.tally.seeds:,} seeds"
                self._bar.update(self._task, completed=event.step, rate=rate)
            case PhaseStarted():
                self._restart(f"{PHASE_NAMES.get(event.name, event.name)}{_of_round(event)}", None, 0)
            case PhaseFinished():
                name = PHASE_NAMES.get(event.name, event.name)
                done = plain(f" {name}{_of_round(event)}: {event.detail} ")
                self._say(("✓", "green"), done, (f"({event.seconds:.0f} s)", "dim"))
            case Warned():
                self._say(plain(f"⚠ {event.message}", "yellow"))
            case RunEnded():
                pass

    def _restart(self, description: str, total: int | None, done: int) -> None:
        self._bar.reset(self._task, description=description, total=total, completed=done, rate="")

    def _say(self, *parts: str | Text | tuple[str, str]) -> None:
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def _render(self) -> Group:
        if not self._tally.children:
            return Group(self._bar)
        grid = Table.grid(padding=(0, 3))
        for name, count in funnel(self._tally):
            if count or name in {"proposed", "kept"}:
                grid.add_column(justify="right")
        shown = [(n, c) for n, c in funnel(self._tally) if c or n in {"proposed", "kept"}]
        grid.add_row(*(f"[dim]{name}[/] [bold]{count:,}[/]" for name, count in shown))
        lines: list[RenderableType] = [self._bar, grid]
        if self._tally.reasons:
            lines.append(Text(f"rejected: {reasons(self._tally)}", style="dim"))
        if self._metrics:
            lines.append(Text(_metrics(self._metrics)))
        return Group(*lines)


def _of_round(event: PhaseStarted | PhaseFinished) -> str:
    if event.base:
        return " the base model"
    if event.round == 0:
        return {"train": " on the seeds", "benchmark": " the model trained on the seeds"}.get(event.name, "")
    return f" round {event.round}" + "'s model" * (event.name == "benchmark")


def _metrics(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{metric_name(key)} {value:,.4g}" for key, value in metrics.items())
