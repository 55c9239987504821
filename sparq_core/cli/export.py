"""`sparq export`: the dataset of a run or of several, with its card; as a table, or as a trainer reads it."""

import json
from pathlib import Path
from typing import Literal

import click
from click.core import ParameterSource

from sparq_core.cli.arguments import GRADING, JSON, RUNS
from sparq_core.cli.export_for import export_for
from sparq_core.contract.texts import inert
from sparq_core.ledger.files import is_stream
from sparq_core.publish import places
from sparq_core.publish.export import FORMATS, SHARD_ROWS, Order, is_folder
from sparq_core.publish.trainers.export import Order as OrderFor
from sparq_core.publish.trainers.formats import FORMATS as TRAINERS
from sparq_core.publish.trainers.sources import pairs as of_pairs

OF_A_TRAINER = {"holdout": "--holdout", "thinking": "--thinking", "system": "--system", "pairs": "--pairs"}
OF_A_TABLE = {"kind": "--format", "shard_rows": "--shard-rows", "use": "--use", "options": "--option"}
"""Options that one kind of export has and the other has not."""


@click.command()
@RUNS
@click.option(
    "--for",
    "trainer",
    type=click.Choice(list(TRAINERS)),
    help="Write a folder as this trainer reads it, of problems with a checkable answer, or of attempts at them.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="[default: from the file name, else jsonl; for a folder parquet]",
)
@click.option(
    "--to",
    metavar="PATH",
    help="File to write, or a folder (a name without an extension, or one that ends in a slash), as a path or a URL that "
    "fsspec supports, such as s3://bucket/name [default: RUN/dataset/export.…, with --for RUN/dataset/TRAINER].",
)
@click.option(
    "--holdout",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="With --for: hold out this share of the seeds with all that descends from them, in a file of its own.",
)
@click.option(
    "--thinking",
    type=click.Choice(["keep", "strip"]),
    default="keep",
    show_default=True,
    help="With --for: what becomes of an attempt's text up to </think>.",
)
@click.option("--system", metavar="TEXT", help="With --for: a system message before each prompt.")
@click.option(
    "--pairs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="With --for trl-dpo: most pairs of each problem.",
)
@click.option(
    "--shard-rows",
    type=click.IntRange(1),
    default=SHARD_ROWS,
    show_default=True,
    metavar="N",
    help="Rows per file of a folder, at most.",
)
@click.option(
    "--license",
    "licence",
    metavar="ID",
    help="Licence of the dataset, by its identifier on the Hub, such as cc-by-4.0.",
)
@click.option(
    "--use",
    default="duplicates",
    show_default=True,
    metavar="PLUGIN",
    help="With several RUNs: the plugin that rejects problems which an earlier one has.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="One of its options; repeatable.")
@GRADING
@JSON
def export(
    runs: tuple[Path, ...],
    trainer: str | None,
    kind: str | None,
    to: str | None,
    holdout: float | None,
    thinking: Literal["keep", "strip"],
    system: str | None,
    pairs: int,
    shard_rows: int,
    licence: str | None,
    use: str,
    options: tuple[str, ...],
    grading: int,
    as_json: bool,
) -> None:
    """
    Write the dataset of the run folder RUN, one row for each chosen attempt at a kept problem, and a dataset card.

    Exports the latest curation, or every correct attempt if nothing was curated. Several runs make one dataset: a problem that
    is a near duplicate of an earlier one is left out with its rows, and the column `origin` names the run of each row.

    A file gets its card next to it (out.jsonl.card.md); a folder gets data/ and README.md, as the Hub and `load_dataset`
    expect. An existing file is replaced only if it is an earlier export whose card was not edited. A pipe or a device, such as
    /dev/stdout, is written directly, without a card. A dataset for a URL is first written to the folder for temporary files.

    With --for, the folder is as a trainer reads it: train.jsonl or train.parquet, test.* with --holdout, and README.md. For
    reinforcement learning it has one row for each problem whose reference passes a test: the run's own verifiers, which are
    the reward, call it correct, and a wrong answer incorrect.
    """
    _check_options({} if trainer else OF_A_TRAINER, "is for --for TRAINER; name one, or leave it out")
    _check_options(OF_A_TABLE if trainer else {}, "does not go with --for, which settles it; leave it out")
    if trainer:
        if len(runs) > 1:
            raise click.UsageError("--for takes one run, whose verifiers are the reward")
        if TRAINERS[trainer].rewarded:
            _check_options({"thinking": "--thinking"}, f"is for attempts, and {trainer} has none; leave it out")
        if TRAINERS[trainer].source is not of_pairs:
            _check_options({"pairs": "--pairs"}, f"is for pairs of attempts, and {trainer} has none; leave it out")
        order = OrderFor(
            run=runs[0],
            format=TRAINERS[trainer],
            grading=grading,
            licence=licence,
            holdout=holdout,
            thinking=thinking,
            system=system,
            pairs=pairs,
        )
        export_for(order, to, as_json=as_json)
    else:
        if not to and len(runs) > 1:
            raise click.UsageError("several runs need a path for their dataset; give one with --to")
        kind = kind or _kind(to)
        table = Order(
            runs=runs, kind=kind, grading=grading, licence=licence, screen=use, options=options, shard_rows=shard_rows
        )
        _export(table, to or str(runs[0] / "dataset" / f"export.{kind}"), as_json=as_json)


def _check_options(names: dict[str, str], why: str) -> None:
    """A usage error where one of these options was given."""
    context = click.get_current_context()
    for name, option in names.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} {why}")


def _export(order: Order, to: str, *, as_json: bool) -> None:
    """Export one table, and tell what was written."""
    done = places.export(order, to)
    if as_json:
        facts = {
            "file": done.place,
            "format": order.kind,
            "rows": done.rows,
            "card": done.card,
            "left_out": done.turned_away,
        }
        click.echo(json.dumps(facts, indent=2), err=is_stream(Path(done.place)))
        return
    told = [f"{done.rows:,} rows in {done.place}" + (f", described in {done.card}" if done.card else "")]
    if len(order.runs) > 1:
        told.append(f"left out {done.turned_away:,} near duplicates of earlier problems")
    told.append(f"load them with: datasets.load_dataset({done.loaded_by})")
    click.echo("\n".join(map(inert, told)), err=is_stream(Path(done.place)))


def _kind(to: str | None) -> str:
    if to and is_folder(to):
        return "parquet"
    return "parquet" if to and to.endswith(".parquet") else "jsonl"
