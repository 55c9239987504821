"""`sparq export`: the dataset of a run, with its card."""

from pathlib import Path

import click

from sparq_core.cli.arguments import GRADING, RUN
from sparq_core.contract.texts import inert
from sparq_core.ledger.files import is_stream
from sparq_core.publish.export import FORMATS, is_folder
from sparq_core.publish.export import export as written


@click.command()
@RUN
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="[default: by the name of the file, else jsonl; for a folder parquet]",
)
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="File to write, or a folder: a name without an ending [default: RUN/dataset/export.…].",
)
@click.option("--license", "licence", metavar="ID", help="Licence of the dataset, as the Hub calls it: cc-by-4.0.")
@GRADING
def export(run: Path, kind: str | None, to: Path | None, licence: str | None, grading: int) -> None:
    """
    Write the dataset of the run folder RUN, one row for each chosen attempt at a kept problem, and a dataset card.

    The last curation's choice; where nothing was curated, every correct attempt. A file gets its card beside it
    (out.jsonl.card.md); a folder gets data/ and README.md, as the Hub and `load_dataset` take it. Nothing is replaced but an
    earlier export whose card was not edited. A pipe or a device, such as /dev/stdout, is written to as it is, without a card.
    """
    kind = kind or _kind(to)
    done = written(run, grading, to or run / "dataset" / f"export.{kind}", kind, licence)
    told = f"{done.rows:,} rows in {done.path}" + (f", described in {done.card}" if done.card else "")
    load = f"load them with: datasets.load_dataset({done.loaded_by})"
    click.echo(f"{inert(told)}\n{inert(load)}", err=is_stream(done.path))


def _kind(to: Path | None) -> str:
    if to and is_folder(to):
        return "parquet"
    return "parquet" if to and to.suffix == ".parquet" else "jsonl"
