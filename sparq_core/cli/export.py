"""`sparq export`: the dataset of a run or of several, with its card."""

import json
from pathlib import Path

import click

from sparq_core.cli.arguments import GRADING, JSON, RUNS
from sparq_core.contract.texts import inert
from sparq_core.ledger.files import is_stream
from sparq_core.publish import places
from sparq_core.publish.export import FORMATS, SHARD_ROWS, Order, is_folder


@click.command()
@RUNS
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="[default: by the name of the file, else jsonl; for a folder parquet]",
)
@click.option(
    "--to",
    metavar="PATH",
    help="File to write, or a folder: a name without an ending, or one that ends in a slash; here, or a URL as fsspec "
    "knows it, such as s3://bucket/name [default: RUN/dataset/export.…].",
)
@click.option(
    "--shard-rows",
    type=click.IntRange(1),
    default=SHARD_ROWS,
    show_default=True,
    metavar="N",
    help="Most rows of each file in a folder.",
)
@click.option("--license", "licence", metavar="ID", help="Licence of the dataset, as the Hub calls it: cc-by-4.0.")
@click.option(
    "--use",
    default="duplicates",
    show_default=True,
    metavar="PLUGIN",
    help="The plugin that turns away problems which an earlier of several RUNs has.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="One of its options; repeatable.")
@GRADING
@JSON
def export(
    runs: tuple[Path, ...],
    kind: str | None,
    to: str | None,
    shard_rows: int,
    licence: str | None,
    use: str,
    options: tuple[str, ...],
    grading: int,
    as_json: bool,
) -> None:
    """
    Write the dataset of the run folder RUN, one row for each chosen attempt at a kept problem, and a dataset card.

    The last curation's choice; where nothing was curated, every correct attempt. Several runs make one dataset: a problem that
    is a near duplicate of an earlier one is left out with its rows, and a column `origin` says which run a row is of.

    A file gets its card beside it (out.jsonl.card.md); a folder gets data/ and README.md, as the Hub and `load_dataset` take
    it. Nothing is replaced but an earlier export whose card was not edited. A pipe or a device, such as /dev/stdout, is written
    to as it is, without a card. What goes to a URL is written to the folder of temporary files first.
    """
    if not to and len(runs) > 1:
        raise click.UsageError("several runs are exported to a place of their own; name it by --to")
    kind = kind or _kind(to)
    order = Order(
        runs=runs, kind=kind, grading=grading, licence=licence, screen=use, options=options, shard_rows=shard_rows
    )
    done = places.export(order, to or str(runs[0] / "dataset" / f"export.{kind}"))
    if as_json:
        facts = {"file": done.place, "format": kind, "rows": done.rows, "card": done.card, "left_out": done.turned_away}
        click.echo(json.dumps(facts, indent=2), err=is_stream(Path(done.place)))
        return
    told = [f"{done.rows:,} rows in {done.place}" + (f", described in {done.card}" if done.card else "")]
    if len(runs) > 1:
        told.append(f"left out {done.turned_away:,} problems that an earlier one is nearly the same as")
    told.append(f"load them with: datasets.load_dataset({done.loaded_by})")
    click.echo("\n".join(map(inert, told)), err=is_stream(Path(done.place)))


def _kind(to: str | None) -> str:
    if to and is_folder(to):
        return "parquet"
    return "parquet" if to and to.endswith(".parquet") else "jsonl"
