"""`sparq show`: the whole story of one problem."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sparq_core.cli.arguments import RUN
from sparq_core.cli.wording import block, plain
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
    title = plain(f"problem {id_}", "bold"), " ", plain(f"{problem.operator}, {_origin(problem.parents)}", "dim")
    console.print(Text.assemble(*title))
    if written := ledger.written(id_):
        console.print(_panel("as the generator wrote it", written, "dim"))
    console.print(_panel("statement", problem.statement))
    if problem.extra:
        console.print(_panel("extra", _indented(problem.extra), "dim"))
    console.print(Text.assemble("reference answer: ", block(str(problem.answer), "bold")))
    counts = child.counts
    rate = ""
    if child.solve_rate is not None:
        interval = solve_rate_interval(counts, child.solve_rate)
        rate = f", solve rate {child.solve_rate:.2f} ({interval.low:.2f} to {interval.high:.2f})"
    reason = f" ({child.reason})" if child.reason else ""
    by = f" by {child.rejection.plugin} in {child.rejection.hook}" if child.rejection else ""
    told = plain(f"{by}{reason}{rate}, quality {child.quality:.2f}")
    console.print(Text.assemble("outcome: ", (child.outcome, "bold"), told))
    for key, value in child.descriptors.items():
        console.print(plain(f"{key}: {', '.join(value) if isinstance(value, list) else value}"))
    judged = ledger.judged(id_)
    if judged:
        console.print(_attempts(judged, f"{len(judged)} attempts"))
    if again := ledger.judged_again(id_):
        console.print(_attempts(again, f"{len(again)} further attempts, as a parent"))
    if children := overview.children_of(ledger, id_, MOST_CHILDREN + 1):
        listed = children[:MOST_CHILDREN] + ["…"] * (len(children) > MOST_CHILDREN)
        console.print(plain(f"children: {', '.join(listed)}"))


def _panel(title: str, text: str, border: str = "none") -> Panel:
    return Panel(block(text), title=title, title_align="left", border_style=border)


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
        value = j.verdict.value
        verdict = Text.assemble((value, colours[value]), "\n", plain(f"{j.verdict.reason}, {j.verdict.by}", "dim"))
        table.add_row(str(j.attempt.k), verdict, block(j.verdict.answer or ""), block(j.attempt.text))
    return table


@click.command()
@RUN
@click.argument("problem")
def show(run: Path, problem: str) -> None:
    """Tell the whole story of one PROBLEM (an id such as 1.12.3) of the run folder RUN."""
    with Reader.open(run) as ledger:
        tell(Console(), ledger, problem)
