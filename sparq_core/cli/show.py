"""`sparq show`: the problems of a run that match, or the whole story of one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click
from msgspec.structs import replace
from rich.console import Console

from sparq_core.cli import listing, story
from sparq_core.cli.arguments import JSON, RUN
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.messages import shown
from sparq_core.contract.records import OUTCOMES, Outcome
from sparq_core.ledger.listing import Order, Wanted, count, ids, operators
from sparq_core.ledger.reader import Reader


def _range(ctx: click.Context, param: click.Parameter, given: str | None) -> tuple[float | None, float | None]:  # noqa: ARG001 -- click's signature
    """The ends of a range such as `0.1:0.5`, `:0.5` or `0.5:`."""
    low, colon, high = (given or ":").partition(":")
    try:
        lowest, highest = (float(end) if end.strip() else None for end in (low, high if colon else low))
    except ValueError:
        raise click.BadParameter(
            f"{given!r} is not a range of solve rates; expected LOW:HIGH, such as 0.1:0.5 or :0.25"
        ) from None
    return lowest, highest


FILTERS: Sequence[Any] = (
    click.option(
        "--outcome",
        "outcomes",
        multiple=True,
        type=click.Choice(OUTCOMES),
        help="Problems with this outcome; repeatable.",
    ),
    click.option(
        "--reason", metavar="TEXT", help="Part of the reason why it was not kept, as shown by `sparq status`."
    ),
    click.option(
        "--skill",
        "labels",
        multiple=True,
        metavar="LABEL",
        help="Problems with this label; repeatable, for all labels of a niche.",
    ),
    click.option("--operator", metavar="NAME", help="Problems made by this operator."),
    click.option(
        "--round",
        type=click.IntRange(min=0),
        help="Problems of this round; 0 lists the seeds. [default: all but 0]",
    ),
    click.option(
        "--solve-rate",
        "rates",
        metavar="LOW:HIGH",
        callback=_range,
        help="Solve rates in this range, such as 0.1:0.5 or :0.25.",
    ),
    click.option("--text", metavar="TEXT", help="Part of the statement; the case of ASCII letters is ignored."),
)


def _filtered(command: Any) -> Any:
    for option in reversed(FILTERS):
        command = option(command)
    return command


@click.command()
@RUN
@click.argument("problem", required=False)
@_filtered
@click.option(
    "--sort",
    "order",
    type=click.Choice(get_args(Order)),
    default="id",
    show_default=True,
    help="The order of the list.",
)
@click.option("--descending", is_flag=True, help="Reverse the order.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Problems listed, at most.")
@JSON
def show(
    run: Path,
    problem: str | None,
    outcomes: tuple[Outcome, ...],
    reason: str | None,
    labels: tuple[str, ...],
    operator: str | None,
    round: int | None,
    rates: tuple[float | None, float | None],
    text: str | None,
    order: Order,
    descending: bool,
    limit: int,
    as_json: bool,
) -> None:
    """
    List the problems of the run folder RUN, or show one PROBLEM (an id such as 1.12.3) with its
    origin, attempts, verdicts and children.

    Filters narrow the list: `--outcome kept --sort solve-rate` lists the kept problems, the hardest first. Attempts with the
    same answer and verdict are shown once, with their number; `--json` has the text of each.
    """
    wanted = Wanted(
        outcomes=outcomes,
        reason=reason,
        labels=labels,
        operator=operator,
        round=round,
        lowest=rates[0],
        highest=rates[1],
        text=text,
    )
    if problem is not None and wanted != Wanted():
        raise click.UsageError("filters are for the list; omit them when you name a PROBLEM")
    with Reader.open(run) as ledger, ledger.snapshot():
        if problem is None:
            _check_operator(ledger, operator)
            _list(ledger, wanted, ids(ledger, wanted, order, descending=descending, most=limit), as_json)
        elif as_json:
            click.echo(json.dumps(story.facts(ledger, problem), indent=2))
        else:
            story.tell(Console(), ledger, problem)


def _check_operator(ledger: Reader, operator: str | None) -> None:
    """PipelineError where no problem was made by it, with those that there are."""
    if operator is not None and operator not in (known := operators(ledger)):
        there = f"operators of this run: {', '.join(known)}" if known else "this run has no problems yet"
        raise PipelineError(f"no problem was made by the operator {shown(operator)}; {there}")


def _list(ledger: Reader, wanted: Wanted, listed: Sequence[str], as_json: bool) -> None:
    children, matching = [ledger.child(id_) for id_ in listed], count(ledger, wanted)
    if as_json:
        told = {"matching": matching, "problems": [listing.as_json(child) for child in children]}
        click.echo(json.dumps(told, indent=2))
    else:
        listing.tell(Console(), children, matching)
        if not matching and wanted.round is None and (seeds := count(ledger, replace(wanted, round=0))):
            click.echo(f"seeds that match: {seeds:,}; --round 0 lists them")
