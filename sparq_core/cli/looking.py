"""Commands that look at what is there: plugins, status, show, export."""

from pathlib import Path

import click

RUN = click.argument("run", type=click.Path(path_type=Path, file_okay=False))


GRADING = click.option("--grading", default=1, show_default=True, help="Which grading; `sparq regrade` adds others.")


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
@GRADING
def export(run: Path, kind: str | None, to: Path | None, grading: int) -> None:
    """
    Write the dataset of the run folder RUN: one row for each chosen attempt at a kept problem.

    The last curation's choice; where nothing was curated, every correct attempt.
    """
    from sparq_core import export as exporting
    from sparq_core.reading import Reader

    ledger = Reader.open(run, grading)
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
@GRADING
def curate(
    run: Path, by: str | None, budget: int | None, use: str, options: tuple[str, ...], to: Path | None, grading: int
) -> None:
    """
    Choose training examples from the run folder RUN again, and write them as a new dataset.

    Nothing is sampled and nothing is overwritten; `sparq export` then gives the new choice, too.
    """
    from sparq_core import curating

    named = [f"{name}={value}" for name, value in (("by", by), ("budget", budget)) if value is not None]
    path, examples, problems = curating.curate(run, use, [*named, *options], to, grading)
    click.echo(f"{examples:,} examples of {problems:,} problems in {path}")


@click.command()
@RUN
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="A setting to grade with; repeatable.")
def regrade(run: Path, overrides: tuple[str, ...]) -> None:
    """
    Judge all attempts of the run folder RUN again: by this version's checker, or with another band or conventions.

    Nothing is sampled and nothing is overwritten: the new grading is kept beside the run's own.
    """
    from sparq_core import regrading

    done = regrading.regrade(run, overrides)
    for what, counts in (("problems", done.moved), ("attempts", done.verdicts)):
        same = sum(n for (before, after), n in counts.items() if before == after)
        click.echo(f"{what}: {same:,} of {counts.total():,} as before")
        for (before, after), n in sorted(counts.items()):
            if before != after:
                click.echo(f"  {before} → {after}: {n:,}")
    click.echo(f"grading {done.grading}: sparq export {run} --grading {done.grading}")


@click.command()
@RUN
@click.option("--use", default="map-elites", show_default=True, help="The selector whose archive is filled.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="One of its options, niches above all.")
def rebin(run: Path, use: str, options: tuple[str, ...]) -> None:
    """
    Show how the problems of the run folder RUN fill other niches than those it ran with.

    For example: --option 'niches={words: {bins: 10, low: 0, high: 100}}'. Nothing is written.
    """
    from sparq_core import rebinning
    from sparq_core.progress import metric_name

    for round_, metrics in rebinning.rebin(run, use, options):
        click.echo(f"{round_}: " + ", ".join(f"{metric_name(key)} {value:,.4g}" for key, value in metrics.items()))


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
