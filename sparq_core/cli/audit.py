"""`sparq audit`: how valid a finished run's problems are, by how often they were solved."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from sparq_core.audit import ATTEMPTED, Audit, Sample
from sparq_core.audit import audit as audited
from sparq_core.cli.arguments import DEBUG, GRADING, JSON, RUN
from sparq_core.cli.wording import plain, warn
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Counts, Outcome
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.validity import EDGES
from sparq_core.loop.rounds import exit_code
from sparq_core.loop.stops import INTERRUPTED

BESIDE, LONGEST = 68, 30
"""Characters of the table beside its bars, and those of a bar at most."""


def facts(done: Audit) -> dict[str, Any]:
    """Everything `audit --json` tells."""
    whole = done.overall
    return {
        "findings": str(done.path),
        "bins": [
            {
                "bin": stratum.bin,
                "problems": stratum.problems,
                **_counted(stratum.audited),
                **_estimated(stratum.validity, stratum.bounds),
            }
            for stratum in done.strata
        ],
        "overall": {
            "problems": whole.problems,
            "covered": whole.covered,
            **_counted(sum((stratum.audited for stratum in done.strata), Counts())),
            **_estimated(whole.validity, whole.bounds),
        },
        "left_out": done.left_out,
        "asked": done.asked,
        "tokens": done.tokens,
    }


def _counted(audited: Counts) -> dict[str, int]:
    return {
        "audited": audited.drawn,
        "valid": audited.correct,
        "invalid": audited.incorrect,
        "unknown": audited.unknown,
    }


def _estimated(validity: Interval | None, bounds: tuple[float, float] | None) -> dict[str, Any]:
    """The share of valid ones with its interval, and what it would be were all unknown ones invalid, or valid."""
    return {
        "validity": validity and validity.mean,
        "low": validity and validity.low,
        "high": validity and validity.high,
        "if_unknown_invalid": bounds and bounds[0],
        "if_unknown_valid": bounds and bounds[1],
    }


def tell(console: Console, done: Audit) -> None:
    """A bar for each bin, and what all of them say together."""
    table = Table(
        title="Validity by solve rate, % (95% confidence)",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("solve rate", no_wrap=True)
    for name in ("problems", "valid", "invalid", "unknown", "validity"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    width = max(10, min(LONGEST, console.width - BESIDE))
    for stratum in done.strata:
        table.add_row(stratum.bin, *_row(stratum.problems, stratum.audited, stratum.validity, width))
    table.add_section()
    whole, counts = done.overall, sum((stratum.audited for stratum in done.strata), Counts())
    table.add_row("all", *_row(whole.problems, counts, whole.validity, width))
    console.print(table)
    for line in _notes(done, counts):
        console.print(plain(line, "dim"), soft_wrap=True)
    console.print(plain(f"findings: {done.path}"), soft_wrap=True)


def _row(problems: int, counts: Counts, validity: Interval | None, width: int) -> list[str | Text]:
    numbers = [f"{n:,}" for n in (problems, counts.correct, counts.incorrect, counts.unknown)]
    if validity is None:
        return [*numbers, "", Text("no estimate", style="dim")]
    mean, low, high = (100 * value for value in (validity.mean, validity.low, validity.high))
    return [*numbers, f"{mean:.0f} ({low:.0f} to {high:.0f})", bar(validity, width)]


def bar(validity: Interval, width: int) -> Text:
    """Full up to the lower end of the interval, half tone up to the upper end, with a mark at the estimate."""
    low, at, high = (round(width * value) for value in (validity.low, validity.mean, validity.high))
    text = Text("█" * low, style="green")
    text.append("▒" * (high - low), style="yellow")
    text.append("·" * (width - high), style="dim")
    mark = min(at, width - 1)
    return Text.assemble(text[:mark], ("┃", "bold"), text[mark + 1 :])


def _notes(done: Audit, counts: Counts) -> Iterator[str]:
    whole = done.overall
    if whole.validity:
        silent = whole.problems - whole.covered
        unjudged = f"; {silent:,} problems have no estimate" * bool(silent)
        yield "all: bins are weighted by their number of problems" + unjudged
    if counts.unknown and whole.bounds:
        low, high = (100 * bound for bound in whole.bounds)
        yield (
            f"unknown problems are left out; the overall validity would be {low:.1f}% if all of them were invalid, "
            f"{high:.1f}% if all were valid"
        )
    if done.left_out:
        yield "not audited: " + ", ".join(f"{n:,} {name}" for name, n in done.left_out.items())
    if done.tokens:
        yield f"{done.asked:,} problems judged, {done.tokens:,} tokens sampled"


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Shows on a terminal how many problems are judged."""
    columns = TextColumn("audited"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("audited", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _edges(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(edge) for edge in text.split(",") if edge.strip())
    except ValueError:
        raise PipelineError(f"--bins {text}: expected numbers separated by commas, as in 0.25,0.5,0.75") from None


@click.command()
@RUN
@DEBUG
@click.option("--use", default="second-opinion", show_default=True, help="The plugin that judges.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="One of its options; repeatable.")
@click.option("--model", help="The second model: the name of one of the run's, or '{use: openai, model: …}'.")
@click.option(
    "--per-bin", default=100, show_default=True, type=click.IntRange(1), help="Problems sampled per bin, at most."
)
@click.option(
    "--bins",
    default=",".join(map(str, EDGES)),
    show_default=True,
    help="Edges between bins of solve rates; 0 and 1 have bins of their own.",
)
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    type=click.Choice(ATTEMPTED),
    help="Only problems of this outcome; repeatable.  [default: all that were attempted]",
)
@click.option("--round", "round_", type=click.IntRange(0), help="Only those of this round; 0: the seeds.")
@click.option("--seed", default=0, show_default=True, help="Random seed of the sample and of the model's answers.")
@JSON
@GRADING
def audit(
    run: Path,
    use: str,
    options: tuple[str, ...],
    model: str | None,
    per_bin: int,
    bins: str,
    outcomes: tuple[Outcome, ...],
    round_: int | None,
    seed: int,
    as_json: bool,
    grading: int,
) -> None:
    """
    Estimate how many problems of the run folder RUN are valid, by solve rate.

    A sample is judged by a second model, or by a plugin that implements `audit`. The ledger is not changed. Findings are
    written to RUN/audit; the same command continues an unfinished audit.
    """
    sample = Sample(
        edges=_edges(bins),
        per_bin=per_bin,
        outcomes=tuple(sorted(set(outcomes))) or ATTEMPTED,
        round=round_,
        seed=seed,
        grading=grading,
    )
    try:
        with _progress() as progress:
            done = audited(run, sample, use, options, model, progress)
    except KeyboardInterrupt:
        click.echo("interrupted: findings so far are kept; run the same command to continue", err=True)
        raise SystemExit(exit_code(INTERRUPTED)) from None
    for warning in done.warnings:
        warn(warning)
    if as_json:
        click.echo(json.dumps(facts(done), indent=2))
    else:
        tell(Console(), done)
