"""`sparq doctor`: is a run folder sound, and what can be recovered where it is not?"""

import json
from pathlib import Path

import click

from sparq_core.cli.arguments import JSON, RUN
from sparq_core.contract.texts import inert
from sparq_core.ledger.doctor import Check, Examined, examine
from sparq_core.ledger.recovery import Recovered
from sparq_core.ledger.recovery import recover as bring_over


@click.command()
@RUN
@click.option(
    "--recover",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Copy the sound steps into this new run folder.",
)
@JSON
def doctor(run: Path, recover: Path | None, as_json: bool) -> None:
    """
    Check the run folder RUN for damage and for changes made by hand.

    Checks the pages of the file, the tables, the digest of every step (recomputed from its rows), the counts, the views, and
    the datasets and models. RUN itself is never changed.

    Exit codes: 0 sound (or recovered), 1 damaged, 2 no run.
    """
    examined = examine(run)
    recovered = bring_over(run, recover, examined) if recover else None
    if as_json:
        click.echo(json.dumps(_as_json(run, examined, recovered), indent=2))
    else:
        for check in examined.checks:
            _tell(check)
        _conclude(run, recover, examined, recovered)
    if not examined.is_sound and not recovered:
        raise SystemExit(1)


def _as_json(run: Path, examined: Examined, recovered: Recovered | None) -> dict[str, object]:
    checks = {
        c.name: {"sound": not c.damage, "damage": list(c.damage), "notes": list(c.notes)} for c in examined.checks
    }
    found = {"folder": str(run), "sound": examined.is_sound, "steps": examined.steps, "checks": checks}
    last = {"last_sound_step": str(examined.sound[-1]) if examined.sound else None}
    if recovered is None:
        return found | last
    return found | last | {"recovered": {name: getattr(recovered, name) for name in recovered.__struct_fields__}}


def _tell(check: Check) -> None:
    if not check.damage:
        click.echo(inert(f"{check.name + ':':<8} ok, {check.told}"))
    for line in check.damage:
        click.echo(click.style(f"{check.name + ':':<8} ", fg="red") + inert(line))
    for line in check.notes:
        click.echo(inert(f"{'':<8} note: {line}"))


def _conclude(run: Path, to: Path | None, examined: Examined, recovered: Recovered | None) -> None:
    if recovered:
        told = f"Recovered {recovered.steps:,} of {recovered.of:,} steps with {recovered.attempts:,} attempts in {to}."
        click.echo(inert(told))
        for line in recovered.left_out:
            click.echo(inert(f"left out: {line}"))
        click.echo(inert(f"To continue, run: sparq run {to}/pipeline.yaml --resume --out {to}"))
    elif examined.is_sound:
        click.echo("No damage found.")
    elif examined.sound:
        last = examined.sound[-1]
        told = (
            f"{len(examined.sound):,} of {examined.steps:,} steps are sound, up to {last}. Recover them with: "
            f"sparq doctor {run} --recover {run}-recovered"
        )
        click.echo(inert(told))
    else:
        click.echo("No step can be recovered.")
