"""`sparq diff`: what two runs differ in, as they were set and as they came out."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparq_core.cli.arguments import FOLDERS, JSON
from sparq_core.cli.wording import plain
from sparq_core.contract.changes import Change, differences
from sparq_core.contract.tally import Tally
from sparq_core.contract.wording import funnel, money
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.reader import Reader
from sparq_core.report import differences as measures
from sparq_core.report import numbers
from sparq_core.report.differences import Figures


class Side(Struct, frozen=True, kw_only=True):
    """One of the two runs."""

    folder: str
    name: str
    digest: str
    settings: dict[str, Any]
    """The pipeline with what it names: versions of plugins, digests of weights and files."""
    figures: Figures


def side(folder: Path) -> Side:
    """A run, also while it goes on."""
    with Reader.open(folder) as ledger, ledger.snapshot():
        return Side(
            folder=str(folder),
            name=ledger.pipeline().name,
            digest=ledger.last_digest(),
            settings=measures.settings(ledger),
            figures=measures.figures(ledger),
        )


def counts(tally: Tally) -> dict[str, float | None]:
    """What a run came to and took; None for what is not counted."""
    kept = tally.outcomes.get("kept", 0)
    cost = {
        "money": tally.cost,
        "money per kept problem": tally.cost / kept if tally.cost is not None and kept else None,
    }
    tokens = {"sampled tokens": tally.tokens, "prompt tokens": tally.prompt_tokens}
    return {**dict(funnel(tally)), "attempts": tally.attempts, **tokens, **cost, "hours": tally.seconds / 3600}


def tell(console: Console, first: Side, second: Side) -> None:
    """The settings that differ, then the counts and figures of both."""
    for letter, run in zip("AB", (first, second), strict=True):
        console.print(Text.assemble((letter, "bold"), "  ", plain(f"{run.name}, {run.folder}")), soft_wrap=True)
    if first.digest == second.digest:
        console.print(plain(f"Both have the run digest {first.digest}: their steps are the same."), soft_wrap=True)
    changes = list(differences(first.settings, second.settings))
    console.print("\nSettings that differ" if changes else "\nNo setting differs.", style="bold" * bool(changes))
    for change in changes:
        console.print(_told(change), soft_wrap=True)
    _print(console, "Counts", ("A", "B"), list(_counted(first, second)))
    compared = measures.differences([first.figures, second.figures])
    _print(console, "With 95% intervals, in percent", ("A", "B", "B − A"), list(map(_measured, compared)))


def _told(change: Change) -> Text:
    """A setting with both values; of a text of several lines, the lines that differ."""
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        lines = [line for line in _lines(before, after) if not line.startswith("@@")]
        return Text("\n").join([plain(f"  {change.setting}:"), *(plain(f"    {line}") for line in lines)])
    return plain(f"  {change}")


def _lines(before: str, after: str) -> list[str]:
    return list(unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]


def _counted(first: Side, second: Side) -> Iterator[tuple[Text, ...]]:
    both = [counts(run.figures.tally) for run in (first, second)]
    for name in both[0]:
        values = [found[name] for found in both]
        if any(values):
            yield (
                Text({"hours": "wall clock"}.get(name, name)),
                *(Text("–" if value is None else _number(name, value)) for value in values),
            )


def _number(name: str, value: float) -> str:
    if name.startswith("money"):
        return money(value)
    return numbers.duration(3600 * value) if name == "hours" else f"{value:,}"


def _measured(row: measures.Difference) -> tuple[Text, ...]:
    apart = row.apart[0]
    sure = apart is not None and not apart.low <= 0 <= apart.high
    found = (Text(_within(each)) for each in row.found)
    return (plain(row.measure), *found, Text(_within(apart, "+"), "bold" * sure))


def _within(found: Interval | None, sign: str = "") -> str:
    return numbers.interval(found, sign) if found else "–"


def _print(console: Console, title: str, columns: Sequence[str], rows: Sequence[tuple[Text, ...]]) -> None:
    """A table, whose columns move together where there is too little room."""
    wide, narrow = (_table(title, columns, rows, between) for between in (1, 0))
    wanted = console.measure(wide, options=console.options.update(width=10 * console.width)).maximum
    console.print(wide if wanted <= console.width else narrow)


def _table(title: str, columns: Sequence[str], rows: Sequence[tuple[Text, ...]], between: int) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", box=SIMPLE_HEAD, padding=(0, between), show_edge=False)
    table.add_column("", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=bool(between))
    for row in rows:
        table.add_row(*row)
    return table


def facts(first: Side, second: Side) -> Mapping[str, Any]:
    """Everything `diff --json` tells; of a pair, the first run's value comes first."""
    both = (first, second)
    counted = [counts(run.figures.tally) for run in both]
    compared = measures.differences([run.figures for run in both])
    return {
        "runs": [{"folder": run.folder, "name": run.name, "digest": run.digest} for run in both],
        "settings": [change._asdict() for change in differences(first.settings, second.settings)],
        "counts": {name: [found[name] for found in counted] for name in counted[0]},
        "measures": [
            {
                "measure": row.measure,
                "found": msgspec.to_builtins(row.found),
                "difference": msgspec.to_builtins(row.apart[0]),
            }
            for row in compared
        ],
    }


@click.command()
@click.argument("first", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@click.argument("second", metavar="RUN", type=click.Path(path_type=Path, file_okay=False))
@JSON
def diff(first: Path, second: Path, as_json: bool) -> None:
    """
    Show how two run folders differ: settings, plugins, versions, models and seeds; counts, solve rates and benchmarks.

    Shares, solve rates and benchmarks have 95% intervals, and so has the difference of the second RUN from the first. It is
    bold if its interval excludes 0. Either run may still be running.
    """
    click.get_current_context().meta[FOLDERS] = (first, second)
    sides = [side(folder) for folder in (first, second)]
    if as_json:
        click.echo(json.dumps(facts(*sides), indent=2))
    else:
        tell(Console(), *sides)
