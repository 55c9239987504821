"""Commands that look at what is there: plugins, status, show, export."""

from pathlib import Path

import click

RUN = click.argument("run", type=click.Path(path_type=Path, file_okay=False))


@click.command()
@RUN
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def status(run: Path, as_json: bool) -> None:
    """Show how far the run folder RUN is; also while it runs."""
    from rich.console import Console

    from sparq_core import summary
    from sparq_core.reading import Reader

    ledger = Reader.open(run)
    if as_json:
        import json

        click.echo(json.dumps(summary.facts(ledger, run), indent=2))
    else:
        summary.show(Console(), ledger, run)


@click.command()
@RUN
@click.argument("problem")
def show(run: Path, problem: str) -> None:
    """Tell the whole story of one PROBLEM (an id such as 1.12.3) of the run folder RUN."""
    from rich.console import Console

    from sparq_core import stories
    from sparq_core.reading import Reader

    stories.show(Console(), Reader.open(run), problem)


@click.command()
@RUN
@click.option(
    "--format", "kind", type=click.Choice(["jsonl", "parquet"]), help="[default: by the name of the file, else jsonl]"
)
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="File to write [default: RUN/dataset/export.…]."
)
def export(run: Path, kind: str | None, to: Path | None) -> None:
    """
    Write the dataset of the run folder RUN: one row for each chosen attempt at a kept problem.

    The last curation's choice; where nothing was curated, every correct attempt.
    """
    from sparq_core import export as exporting
    from sparq_core.reading import Reader

    ledger = Reader.open(run)
    kind = kind or ("parquet" if to and to.suffix == ".parquet" else "jsonl")
    path = to or run / "dataset" / f"export.{kind}"
    rows = exporting.rows(ledger, exporting.chosen(ledger))
    count = exporting.write_jsonl(path, rows) if kind == "jsonl" else exporting.write_parquet(path, rows, ledger)
    loader = {"jsonl": "json", "parquet": "parquet"}[kind]
    click.echo(f"{count:,} rows in {path}\nload them with: datasets.load_dataset('{loader}', data_files='{path}')")


@click.command()
@RUN
@click.option("--by", help="Which problems come first: random, quality, diversity or qd.")
@click.option("--budget", type=int, help="Problems to take.")
@click.option("--use", default="curate", show_default=True, help="The plugin that chooses.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Another of its options; repeatable.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write [default: RUN/dataset/curation-….jsonl].",
)
def curate(run: Path, by: str | None, budget: int | None, use: str, options: tuple[str, ...], to: Path | None) -> None:
    """
    Choose training examples from the run folder RUN again, and write them as a new dataset.

    Nothing is sampled and nothing is overwritten; `sparq export` then gives the new choice, too.
    """
    from sparq_core import curating

    named = [f"{name}={value}" for name, value in (("by", by), ("budget", budget)) if value is not None]
    path, examples, problems = curating.curate(run, use, [*named, *options], to)
    click.echo(f"{examples:,} examples of {problems:,} problems in {path}")


@click.command()
@click.argument("name", required=False)
def plugins(name: str | None) -> None:
    """List the installed plugins, or show the hooks and options of plugin NAME."""
    from rich.console import Console

    from sparq_core import catalogue

    if name is None:
        catalogue.show_all(Console())
    else:
        catalogue.show_one(Console(), name)
