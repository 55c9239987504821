"""`sparq profile`: the solve rate of every row of a dataset, by one model or several."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparq_core.cli import faults
from sparq_core.cli.arguments import DEBUG, DRAIN, HOOK_LIMIT, SET
from sparq_core.cli.watching import interruptible, progress
from sparq_core.cli.wording import block, plain, warn
from sparq_core.contract.errors import SparqError
from sparq_core.ledger.reader import GRADING, Reader
from sparq_core.loop import session
from sparq_core.loop.stops import INTERRUPTED
from sparq_core.pipeline.identity import grading_of
from sparq_core.pipeline.prepare import Prepared, warnings_of
from sparq_core.profile import tables
from sparq_core.profile.bands import BAND, band_of, begun, check_band
from sparq_core.profile.data import check_by, check_names, look
from sparq_core.profile.plan import Asked, models_of, prepared, settings_of, text_of
from sparq_core.profile.summary import LEAST, MOST, Summary, summary
from sparq_core.replay import regrade

BAR = 40
"""Characters of the longest bar."""
MOST_PARTS = 20


def facts(out: Path, found: Mapping[str, Summary], kept: int) -> dict[str, Any]:
    """Everything `profile --json` tells."""
    return {
        "folder": str(out),
        "kept": kept,
        "models": {name: msgspec.to_builtins(each) for name, each in found.items()},
    }


def tell(console: Console, name: str, found: Summary) -> None:
    """Show what a profile came to."""
    outcomes = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(found.outcomes.items()))
    unknown = f", {found.unknown:,} of them unknown" * bool(found.unknown)
    console.print(plain(name, "bold"))
    console.print(plain(f"{found.rows:,} rows: {outcomes}; {found.attempts:,} attempts{unknown}"))
    if rate := found.mean_solve_rate:
        console.print(f"mean solve rate {rate.mean:.1%} ({rate.low:.1%} to {rate.high:.1%})", highlight=False)
        console.print(_histogram(found))
        console.print("groups of attempts expected to be all correct or all incorrect:")
        console.print(_groups(found))
        console.print(f"{_basis(found)}\n", highlight=False, soft_wrap=True)
    if found.by:
        console.print(_parts(found))


def _histogram(found: Summary) -> Table:
    table = Table("solve rate", box=SIMPLE_HEAD, show_edge=False)
    table.add_column("rows", justify="right")
    table.add_column("")
    most = max(found.histogram.values())
    for name, rows in found.histogram.items():
        table.add_row(name, f"{rows:,}", "█" * round(BAR * rows / most))
    return table


def _groups(found: Summary) -> Table:
    table = Table("group size", *map(str, found.zero_variance), box=SIMPLE_HEAD, show_edge=False)
    table.add_row("share", *(f"{share:.1%}" for share in found.zero_variance.values()))
    return table


def _basis(found: Summary) -> str:
    """What the shares of groups rest on, and where that is little."""
    a, b = found.prior
    told = f"from each row's attempts and Beta({a:.3g}, {b:.3g}), fitted to all rows"
    if {a, b} & {LEAST, MOST}:
        told += ", which is the limit of what is fitted: the rows are nearly alike"
    attempts = round(found.attempts / found.rows)
    return told + f"; extrapolated for groups of more than {attempts:,}, as many as a row's attempts" * (
        attempts < max(found.zero_variance)
    )


def _parts(found: Summary) -> Table:
    table = Table("value", box=SIMPLE_HEAD, show_edge=False)
    for heading in ("rows", "kept", "mean solve rate"):
        table.add_column(heading, justify="right")
    for name, part in islice(found.by.items(), MOST_PARTS):
        rate = Text("") if part.mean_solve_rate is None else Text(f"{part.mean_solve_rate:.1%}")
        table.add_row(plain(name), f"{part.rows:,}", f"{part.kept:,}", rate)
    if len(found.by) > MOST_PARTS:
        table.add_row(f"{len(found.by) - MOST_PARTS:,} others, in --json", "", "", "")
    return table


@click.command()
@click.argument("data")
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    help="PLUGIN:MODEL, such as hf:path/to/model or openai:gpt-5; or '{use: …, model: …, with: …}', or a YAML file with that. "
    "Repeatable.",
)
@click.option(
    "--attempts", default=16, show_default=True, type=click.IntRange(1, 10**6), help="Attempts per row, at most."
)
@click.option(
    "--policy", help="A plugin that stops early if further attempts would add little: bayes, settled or pilot."
)
@click.option(
    "--band",
    nargs=2,
    type=click.IntRange(0),
    help="Keep rows with at least and at most so many correct attempts.  [default: a tenth to nine tenths of --attempts]",
)
@click.option("--verify", "verifiers", multiple=True, help="The plugin that checks; repeatable.  [default: sympy]")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help="An option of the plugin that reads DATA; repeatable.",
)
@click.option("--by", help="A column, such as a skill or a domain, by whose values the summary is broken down.")
@click.option("--prefix", default="", help="Prefix for the names of the added columns.")
@click.option("--seed", default=0, show_default=True, help="Random seed of the attempts.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder [default: runs/profile-DATA].")
@click.option("--print", "only_print", is_flag=True, help="Print the equivalent pipelines, without running anything.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, for programs.")
@SET
@DEBUG
@DRAIN
@HOOK_LIMIT
def profile(
    data: str,
    models: tuple[str, ...],
    attempts: int,
    policy: str | None,
    band: tuple[int, int] | None,
    verifiers: tuple[str, ...],
    options: tuple[str, ...],
    by: str | None,
    prefix: str,
    seed: int,
    out: Path | None,
    only_print: bool,
    as_json: bool,
    overrides: tuple[str, ...],
    drain: float,
    hook_limit: float | None,
) -> None:
    """
    Measure how often models solve the rows of DATA: JSON lines, Parquet, or a dataset on the Hub.

    Each model's attempts are an ordinary run in its own folder below --out. Next to these folders, rows.jsonl has the rows
    with their solve rates, kept.jsonl has those in the band of every model, and attempts.jsonl has every attempt. The same
    command continues an unfinished profile. Budgets are settings: --set budget.tokens=1e6, for each model.
    """
    asked = Asked(
        data=data,
        options=options,
        attempts=attempts,
        policy=policy,
        verifiers=verifiers or ("sympy",),
        band=band,
        seed=seed,
        overrides=overrides,
    )
    plans = {name: settings_of(asked, name, model) for name, model in models_of(models).items()}
    loaded = {name: prepared(plan) for name, plan in plans.items()}
    for plan in plans.values():
        check_band(plan)
    if only_print:
        click.echo("---\n".join(map(text_of, plans.values())), nl=False)
        return
    folder = out or Path("runs") / f"profile-{Path(data).name.partition('.')[0]}"
    _check(folder, loaded, prefix, by)
    console = Console(stderr=as_json)
    with interruptible(console, drain, hook_limit, _again()) as interrupted, _hinting(folder):
        codes = [_run(console, name, plans[name], plan, folder / name, interrupted) for name, plan in loaded.items()]
        gradings = {name: _grading(console, plans[name], plan, folder / name) for name, plan in loaded.items()}
    found, kept = _tables(folder, gradings, prefix, by)
    if as_json:
        click.echo(json.dumps(facts(folder, found, kept), indent=2))
    else:
        for name, each in found.items():
            tell(console, name, each)
        places = f"rows in {folder / tables.ROWS}, attempts in {folder / tables.ATTEMPTS}"
        chosen = "the rows that every model keeps" if len(found) > 1 else "the kept rows"
        console.print(plain(f"{places}, {chosen} ({kept:,}) in {folder / tables.KEPT}"), soft_wrap=True)
    raise SystemExit(max(codes))


def _again() -> str:
    return f"To continue, run: {shlex.join(['sparq', *sys.argv[1:]])}"


def _run(
    console: Console,
    name: str,
    plan: Mapping[str, Any],
    loaded: Prepared,
    folder: Path,
    interrupted: Callable[[], bool],
) -> int:
    """Have one model attempt the rows; its run's exit code. An interrupted one ends the command."""
    console.print(plain(f"# the pipeline of {name}"))
    console.print(block(text_of(plan)))
    own = begun(plan, loaded, folder)
    if own is not loaded:
        warnings_of(loaded)  # what is wrong with the band that was asked for is told before anything is spent
    with progress(console) as observer:
        ending = session.execute(own, folder, True, [observer], interrupted)
    if ending.reason == INTERRUPTED:
        console.print(plain(f"Interrupted. {_again()}", "yellow"), soft_wrap=True)
        raise SystemExit(ending.exit_code)
    return ending.exit_code


def _grading(console: Console, plan: Mapping[str, Any], loaded: Prepared, folder: Path) -> int:
    """The grading of a run by the band that was asked for; where its own band is another, its attempts are graded anew."""
    if begun(plan, loaded, folder) is loaded:
        return GRADING
    with Reader.open(folder) as ledger:
        known = ledger.graded_by(grading_of(loaded.run.pipeline, loaded.cast))
    grading = known or regrade(folder, [f"plugins.{BAND}.with={json.dumps(band_of(plan))}"]).grading
    told = f"{folder} has another band; this one is applied to its attempts, as grading {grading}"
    console.print(plain(told), soft_wrap=True)
    return grading


def _check(folder: Path, loaded: Mapping[str, Prepared], prefix: str, by: str | None) -> None:
    """PipelineError, before anything is spent, where a table or the summary could not be made."""
    first = next(iter(loaded.values()))
    data = look(draft for _, draft in first.cast.load_seeds(first.run))
    check_names(data, tables.names_of(list(loaded), prefix))
    if by:
        check_by(data, by)
    tables.check_places(folder, list(loaded), prefix)
    if data.unanswered:
        warn(
            f"{data.unanswered:,} of {data.rows:,} rows have no answer. They are attempted like the others, and a verifier "
            "that compares answers, such as sympy, leaves all their attempts unknown; remove these rows unless your "
            "verifier needs no answer"
        )


def _tables(folder: Path, gradings: Mapping[str, int], prefix: str, by: str | None) -> tuple[dict[str, Summary], int]:
    """Write the tables; what each model came to, and how many rows are kept."""
    with ExitStack() as ledgers:
        opened = {
            name: ledgers.enter_context(Reader.open(folder / name, grading)) for name, grading in gradings.items()
        }
        kept = tables.write(folder, opened, prefix)
        found = {
            name: summary(((row.by_model[0], row.given) for row in tables.rows([ledger])), by)
            for name, ledger in opened.items()
        }
    return found, kept


@contextmanager
def _hinting(folder: Path) -> Iterator[None]:
    """What a failed profile leaves behind is worth a word."""
    try:
        with faults.told(folder, lambda of: of.exists(), "Run the same command to continue"):
            yield
    except Exception as error:
        if not isinstance(error, SparqError) or error.exit_code == SparqError.exit_code:
            error.add_note(f"committed steps are in {folder}; run the same command to continue")
        raise
