"""`sparq check`: what can be known of a pipeline without spending anything."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sparq_core.cli.arguments import DEBUG, JSON, PIPELINE, SET
from sparq_core.cli.upper import Upper, upper
from sparq_core.contract.messages import message
from sparq_core.contract.records import Finding
from sparq_core.contract.texts import inert
from sparq_core.ledger import ground
from sparq_core.pipeline import prepare
from sparq_core.pipeline.prepare import Prepared


@click.command()
@PIPELINE
@SET
@DEBUG
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run folder [default: runs/NAME].")
@JSON
def check(pipeline: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    """
    Check PIPELINE at no cost, and estimate what it samples at most.

    Checks the plugins, options, files and models, and tries out locks and transactions where the run folder will be.
    """
    loaded = prepare.load(pipeline, overrides)
    findings = [*loaded.cast.check(loaded.run), *ground.findings(out or Path("runs") / loaded.run.pipeline.name)]
    sound = not any(finding.level == "error" for finding in findings)
    if as_json:
        click.echo(json.dumps(_as_json(findings, upper(loaded) if sound else None), indent=2))
    else:
        _tell(findings)
    if not sound:
        raise SystemExit(2)
    if not as_json:
        click.echo(_plan(loaded, upper(loaded)))


def _as_json(findings: Sequence[Finding], most: Upper | None) -> dict[str, Any]:
    told = [{"level": finding.level, "place": finding.place, "message": finding.message} for finding in findings]
    return {"findings": told, "at_most": most.as_json() if most else None}


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        colour = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.level]
        click.echo(
            click.style(f"{finding.level}: ", fg=colour, bold=True) + message(f"{finding.place}: {finding.message}")
        )


def _plan(loaded: Prepared, most: Upper) -> str:
    pipeline = loaded.run.pipeline
    named = [member for member in loaded.cast.members if not member.place.startswith("models.")]
    cast = inert(", ".join(m.name + (" (by default)" if "by default" in m.place else "") for m in named))
    rounds = (
        f"{pipeline.rounds} round{'s' * (pipeline.rounds != 1)} of {pipeline.steps:,} steps of {pipeline.batch} parents: "
        f"{most.children:,} children, at most {most.attempts:,} attempts"
    )
    parts = [
        *(["the model trained on the seeds' own solutions"] if pipeline.train.seeds else []),
        *([rounds] if pipeline.rounds else ["no rounds, so nothing is generated"]),
    ]
    return f"{click.style('ok', fg='green', bold=True)}: {', then '.join(parts)}\nplugins: {cast}" + (
        f"\n{most.told}" if most.tokens else ""
    )
