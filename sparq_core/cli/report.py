"""`sparq report`: a run, or several side by side, as one page to look at."""

from pathlib import Path
from string import ascii_uppercase

import click

from sparq_core.cli.arguments import RUNS
from sparq_core.contract.texts import inert
from sparq_core.ledger import outputs
from sparq_core.ledger.files import is_stream
from sparq_core.ledger.reader import Reader
from sparq_core.report.facts import Facts, gather
from sparq_core.report.page import START, page

MOST_RUNS = 8


@click.command()
@RUNS
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write [default: report.html in the first RUN].",
)
def report(runs: tuple[Path, ...], to: Path | None) -> None:
    """
    Write an HTML report of the run folder RUN: what was kept and why, difficulty, diversity, cost and benchmarks.

    The report is a single file that loads nothing and needs no script. It can be written during the run. Several runs are shown
    side by side, each compared with the first. An existing file is replaced only if it is an earlier report; a pipe or a device
    is written directly.
    """
    if len(runs) > MOST_RUNS:
        raise click.UsageError(f"{len(runs)} runs do not fit on one page; give at most {MOST_RUNS}")
    path = to or runs[0] / "report.html"
    with outputs.page(path, "--to", START) as partial:
        facts = [_facts(run, letter, len(runs)) for run, letter in zip(runs, ascii_uppercase, strict=False)]
        partial.write_text(page(facts), encoding="utf-8")
    click.echo(f"open {inert(str(path))} in a browser", err=is_stream(path))


def _facts(run: Path, letter: str, runs: int) -> Facts:
    with Reader.open(run) as ledger:
        return gather(ledger, letter, runs)
