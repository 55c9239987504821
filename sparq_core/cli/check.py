"""`sparq check`: what can be known of a pipeline without spending anything."""

from pathlib import Path

import click

from sparq_core.cli.arguments import DEBUG, PIPELINE, SET
from sparq_core.contract.messages import message
from sparq_core.contract.texts import inert
from sparq_core.pipeline import prepare
from sparq_core.pipeline.prepare import Prepared


@click.command()
@PIPELINE
@SET
@DEBUG
def check(pipeline: Path, overrides: tuple[str, ...]) -> None:
    """Check PIPELINE without spending anything: plugins, options, files, models."""
    loaded = prepare.load(pipeline, overrides)
    findings = loaded.cast.check(loaded.run)
    for finding in findings:
        colour = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.level]
        click.echo(
            click.style(f"{finding.level}: ", fg=colour, bold=True) + message(f"{finding.place}: {finding.message}")
        )
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(2)
    click.echo(_plan(loaded))


def _plan(loaded: Prepared) -> str:
    pipeline = loaded.run.pipeline
    proposers = loaded.cast.proposers
    children = pipeline.rounds * pipeline.steps * pipeline.batch * proposers
    named = [member for member in loaded.cast.members if not member.place.startswith("models.")]
    cast = inert(", ".join(m.name + (" (by default)" if "by default" in m.place else "") for m in named))
    most = pipeline.most_attempts(pipeline.rounds * pipeline.steps, proposers)
    rounds = (
        f"{pipeline.rounds} round{'s' * (pipeline.rounds != 1)} of {pipeline.steps:,} steps of {pipeline.batch} parents: "
        f"{children:,} children, at most {most:,} attempts"
    )
    parts = [
        *(["the model trained on the seeds' own solutions"] if pipeline.train.seeds else []),
        *([rounds] if pipeline.rounds else ["no round, so that nothing is generated"]),
    ]
    return f"{click.style('ok', fg='green', bold=True)}: {', then '.join(parts)}\ncast: {cast}"
