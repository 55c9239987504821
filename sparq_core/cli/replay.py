"""Commands that see a finished run anew: curate, regrade, rebin."""

import json
from pathlib import Path

import click

from sparq_core import replay
from sparq_core.cli.arguments import DEBUG, GRADING, JSON, RUN
from sparq_core.cli.wording import warn
from sparq_core.contract.texts import inert
from sparq_core.contract.wording import metric_name


@click.command()
@RUN
@DEBUG
@click.option("--by", help="How problems are ranked: random, quality, diversity or qd.")
@click.option("--budget", type=int, help="Number of problems to choose.")
@click.option("--use", default="curate", show_default=True, help="The curation plugin.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="Another of its options; repeatable.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write [default: RUN/dataset/curation-….jsonl].",
)
@GRADING
@JSON
def curate(
    run: Path,
    by: str | None,
    budget: int | None,
    use: str,
    options: tuple[str, ...],
    to: Path | None,
    grading: int,
    as_json: bool,
) -> None:
    """
    Choose another set of training examples from the run folder RUN and write it as a dataset.

    Nothing is sampled and nothing is overwritten; `sparq export` then exports the new choice.
    """
    named = [f"{name}={value}" for name, value in (("by", by), ("budget", budget)) if value is not None]
    path, examples, problems = replay.curate(run, use, [*named, *options], to, grading)
    if as_json:
        click.echo(json.dumps({"file": str(path), "examples": examples, "problems": problems}, indent=2))
    else:
        click.echo(inert(f"{examples:,} examples of {problems:,} problems in {path}"))


@click.command()
@RUN
@DEBUG
@click.option("--set", "overrides", multiple=True, metavar="NAME=VALUE", help="A setting to grade with; repeatable.")
@JSON
def regrade(run: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """
    Judge all attempts of the run folder RUN again, with this version's checker, another band or other conventions.

    Nothing is sampled and nothing is overwritten: the new grading is stored next to the run's own.
    """
    done = replay.regrade(run, overrides)
    for warning in done.warnings:
        warn(warning)
    moved = {"problems": done.moved, "attempts": done.verdicts}
    if as_json:
        told = {
            what: [{"before": b, "after": a, "count": n} for (b, a), n in sorted(moved[what].items())] for what in moved
        }
        click.echo(json.dumps({"grading": done.grading, **told}, indent=2))
        return
    for what, counts in moved.items():
        same = sum(n for (before, after), n in counts.items() if before == after)
        click.echo(f"{what}: {same:,} of {counts.total():,} unchanged")
        for (before, after), n in sorted(counts.items()):
            if before != after:
                click.echo(f"  {before} → {after}: {n:,}")
    click.echo(inert(f"grading {done.grading}: sparq export {run} --grading {done.grading}"))


@click.command()
@RUN
@DEBUG
@click.option("--use", default="map-elites", show_default=True, help="The selection plugin whose archive is filled.")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE", help="One of its options, such as niches; repeatable."
)
@JSON
def rebin(run: Path, use: str, options: tuple[str, ...], as_json: bool) -> None:
    """
    Show how the problems of the run folder RUN fill niches: its own, or a different set.

    For example: --option 'niches={words: {bins: 10, low: 0, high: 100}}'. Nothing is written.
    """
    found = replay.rebin(run, use, options)
    if as_json:
        click.echo(json.dumps([{"round": round_, "metrics": dict(metrics)} for round_, metrics in found], indent=2))
        return
    for round_, metrics in found:
        click.echo(f"{round_}: " + ", ".join(f"{metric_name(key)} {value:,.4g}" for key, value in metrics.items()))
