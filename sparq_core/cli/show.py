"""`sparq show`: the whole story of one problem."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sparq_core.cli.arguments import RUN
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Judged
from sparq_core.ledger import overview
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.reader import Reader

MOST_CHILDREN = 20
"""Children of a problem that are listed."""


def tell(console: Console, ledger: Reader, id_: str) -> None:
    """Where a problem came from, what it says, how it was attempted and judged, what became of it."""
    try:
        solved = ledger.solved_one(id_)
    except KeyError:
        raise PipelineError(
            f"there is no problem {id_}; ids are round.step.child, such as 1.12.3 (seeds: 0.1.0)"
        ) from None
    child, problem = solved.child, solved.child.problem
    console.print(f"[bold]problem {id_}[/] [dim]{problem.operator}, {_origin(problem.parents)}[/]", highlight=False)
    if written := ledger.written(id_):
        console.print(_panel("as the generator wrote it", written, "dim"))
    console.print(_panel("statement", problem.statement))
    if problem.extra:
        console.print(_panel("extra", _indented(problem.extra), "dim"))
    console.print(f"reference answer: [bold]{escape(str(problem.answer))}[/]", highlight=False)
    counts = child.counts
    rate = ""
    if child.solve_rate is not None:
        interval = solve_rate_interval(counts, child.solve_rate)
        rate = f", solve rate {child.solve_rate:.2f} ({interval.low:.2f} to {interval.high:.2f})"
    reason = f" ({child.reason})" if child.reason else ""
    by = f" by {child.rejection.plugin} in {child.rejection.hook}" if child.rejection else ""
    console.print(f"outcome: [bold]{child.outcome}[/]{by}{reason}{rate}, quality {child.quality:.2f}", highlight=False)
    for key, value in child.descriptors.items():
        console.print(f"{key}: {', '.join(value) if isinstance(value, list) else value}", highlight=False, markup=False)
    judged = ledger.judged(id_)
    if judged:
        console.print(_attempts(judged, f"{len(judged)} attempts"))
    if again := ledger.judged_again(id_):
        console.print(_attempts(again, f"{len(again)} further attempts, as a parent"))
    if children := overview.children_of(ledger, id_, MOST_CHILDREN + 1):
        listed = children[:MOST_CHILDREN] + ["…"] * (len(children) > MOST_CHILDREN)
        console.print(f"children: {', '.join(listed)}", highlight=False)


def _panel(title: str, text: str, border: str = "none") -> Panel:
    """A text as it is: what looks like markup or an emoji's name in it is neither."""
    return Panel(Text(text), title=title, title_align="left", border_style=border)


def _indented(data: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()


def _origin(parents: tuple[str, ...]) -> str:
    return f"from {', '.join(parents)}" if parents else "given"


def _attempts(judged: list[Judged], title: str) -> Table:
    table = Table(title=title, title_justify="left", show_lines=True)
    table.add_column("k", justify="right")
    table.add_column("verdict")
    table.add_column("answer")
    table.add_column("text", overflow="fold")
    colours = {"correct": "green", "incorrect": "red", "unknown": "yellow"}
    for j in judged:
        verdict = f"[{colours[j.verdict.value]}]{j.verdict.value}[/]\n[dim]{j.verdict.reason}, {j.verdict.by}[/]"
        table.add_row(str(j.attempt.k), verdict, Text(j.verdict.answer or ""), Text(j.attempt.text))
    return table


@click.command()
@RUN
@click.argument("problem")
def show(run: Path, problem: str) -> None:
    """Tell the whole story of one PROBLEM (an id such as 1.12.3) of the run folder RUN."""
    tell(Console(), Reader.open(run), problem)
