"""`sparq export`: the dataset of a run."""

from pathlib import Path

import click

from sparq_core.cli.arguments import GRADING, RUN
from sparq_core.contract.texts import inert
from sparq_core.ledger import dataset
from sparq_core.ledger.files import is_stream
from sparq_core.ledger.outputs import output
from sparq_core.ledger.reader import Reader


@click.command()
@RUN
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "parquet"]), help="[default: by the name of the file, else jsonl]"
)
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="File to write [default: RUN/dataset/export.…]."
)
@GRADING
def export(run: Path, kind: str | None, to: Path | None, grading: int) -> None:
    """
    Write the dataset of the run folder RUN: one row for each chosen attempt at a kept problem.

    The last curation's choice; where nothing was curated, every correct attempt. A file that is there is replaced only if it is
    an earlier export; a pipe or a device, such as /dev/stdout, is written to as it is.
    """
    kind = kind or ("parquet" if to and to.suffix == ".parquet" else "jsonl")
    path = to or run / "dataset" / f"export.{kind}"
    with Reader.open(run, grading) as ledger, output(path, "--to", dataset.COMMON) as partial, ledger.snapshot():
        rows = dataset.rows(ledger, dataset.chosen(ledger))
        count = dataset.write_jsonl(partial, rows) if kind == "jsonl" else dataset.write_parquet(partial, rows, ledger)
    loader = {"jsonl": "json", "parquet": "parquet"}[kind]
    shown = inert(str(path))
    told = f"{count:,} rows in {shown}\nload them with: datasets.load_dataset('{loader}', data_files='{shown}')"
    click.echo(told, err=is_stream(path))
