"""The panel of a run at work, drawn into the room that a terminal has."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path

from msgspec import Struct, field
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sparq_core.cli.progress import CHECKING, Pace, duration, metrics_of
from sparq_core.cli.wording import begins, plain, reasons
from sparq_core.contract.tally import Tally
from sparq_core.contract.wording import funnel, money
from sparq_core.ledger.course import Made

BESIDE = 100
"""Columns from which on the histogram stands beside the figures."""
TALLEST = 6
"""Rows of a histogram."""
BARS = " ▁▂▃▄▅▆▇█"
LONGEST = 300
"""Characters of a line that others' words stand in."""


class View(Struct, kw_only=True):
    """What is known of a run at work."""

    name: str = ""
    folder: Path | None = None
    doing: str = CHECKING
    """The round or the phase."""
    pace: Pace = field(default_factory=Pace)
    tally: Tally = Tally()
    begun_with: Tally = Tally()
    """The counters when the round began here."""
    metrics: Mapping[str, float] = {}
    solved: list[int] = field(default_factory=list)
    """Children by the nearest of the solve rates 0, 1 / places, …, 1."""
    kept: Made | None = None
    """The latest kept problem."""
    warned: list[str] = field(default_factory=list)
    said: str = ""
    """What a training or a benchmark at work has printed last."""


def panel(view: View, width: int, height: int) -> RenderableType:
    """As much of it as so many columns and rows hold; what says most comes first."""
    room = max(1, height - 1)
    lines = [_line(text) for text in _figures(view)][: room - 1]
    bar = _bar(view, width)
    if not sum(view.solved):
        return Group(bar, *lines)
    if width < BESIDE:
        return Group(bar, *lines, *_histogram(view.solved, room - 1 - len(lines), width))
    grid = Table.grid(padding=(0, 3), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    grid.add_row(Group(*lines), Group(*_histogram(view.solved, room - 1, width // 2)))
    return Group(bar, grid)


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _bar(view: View, width: int) -> Table:
    """What is being done, how far it is, and how long it will take."""
    pace, grid = view.pace, Table.grid(padding=(0, 1))
    for ratio in (None, 1, None):
        grid.add_column(ratio=ratio, no_wrap=True, overflow="ellipsis")
    far = f"{pace.step:,}/{pace.steps:,}" if pace.steps else ""
    left = f", {pace.left} left" if pace.steps and pace.left != "?" else ""
    told = f"{far}  {duration(pace.elapsed)}{left}".strip()
    name = plain(begins(f"{view.name}: {view.doing}" if view.name else view.doing, LONGEST), "bold")
    name.truncate(max(1, width - len(told) - 2), overflow="ellipsis")
    grid.add_row(name, ProgressBar(pace.steps, pace.step) if pace.steps else "", told)
    grid.expand = True
    return grid


def _figures(view: View) -> Iterator[Text]:
    """The lines beneath the bar, the most telling first."""
    tally, pace = view.tally, view.pace
    if view.said and not pace.steps:
        yield plain(begins(view.said, LONGEST), "dim")
    if not tally.children:
        if tally.seeds:
            yield Text(f"{tally.seeds:,} seeds, {tally.seeds_kept:,} accepted")
        return
    counts = [(name, n) for name, n in funnel(tally) if n or name in {"proposed", "kept"}]
    told = [part for name, n in counts for part in ((f"{n:,}", "bold"), (f" {name}   ", ""))]
    yield Text.assemble(*told)
    if view.kept:
        solved = f"{view.kept.correct}/{view.kept.decided}"
        yield Text.assemble(
            ("latest kept ", "dim"), f"{view.kept.id} ({solved}) ", plain(begins(view.kept.statement, LONGEST))
        )
    if view.warned:
        more = f" (and {len(view.warned) - 1:,} before it)" if len(view.warned) > 1 else ""
        yield plain(begins(f"⚠ {view.warned[-1]}", LONGEST) + more, "yellow")
    verdicts = ", ".join(
        f"{tally.verdicts.get(value, 0) / tally.attempts:.0%} {value}"
        for value in ("correct", "incorrect", "unknown")
        if tally.attempts and tally.verdicts.get(value)
    )
    yield Text(f"{tally.attempts:,} attempts ({pace.rate:,.0f}/s): {verdicts or 'none'}")
    yield Text(_spent(view))
    if tally.reasons:
        yield Text(f"rejected: {reasons(tally.reasons)}", "dim")
    if view.metrics:
        yield Text(metrics_of(view.metrics), "dim")


def _spent(view: View) -> str:
    """Tokens and money."""
    tally = view.tally
    rate = (tally.tokens - view.begun_with.tokens) / max(1e-9, view.pace.elapsed)
    told = f"{tally.tokens:,} sampled tokens ({rate:,.0f}/s), {tally.prompt_tokens:,} prompt tokens"
    if tally.cost is None:
        return told
    kept = tally.outcomes.get("kept", 0)
    each = f" ({money(tally.cost / kept)} per kept problem)" if kept else ""
    return f"money {money(tally.cost)}{each}; {told}"


def _histogram(solved: Sequence[int], room: int, width: int) -> Iterator[Text]:
    """How many children were solved how often: title, bars and scale, in so many rows; nothing where they do not fit."""
    each, rows, most = min(3, (width - 1) // len(solved)), min(TALLEST, room - 2), max(solved)
    if each < 1 or rows < 1:
        return
    yield _line(Text(f"solve rates of {sum(solved):,} problems", "dim"))
    for row in reversed(range(rows)):
        yield _line(Text("".join(_part(count / most * rows - row) * each for count in solved), "cyan"))
    yield _line(Text("0" + "1".rjust(each * len(solved) - 1), "dim"))


def _part(full: float) -> str:
    """A bar in one row, of which so much is full; the least that there is can be seen."""
    return BARS[ceil(min(1.0, max(0.0, full)) * (len(BARS) - 1))]
