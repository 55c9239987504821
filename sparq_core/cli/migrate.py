"""`sparq migrate`: a run of an older format, copied forward."""

import json
from pathlib import Path

import click

from sparq_core.cli.arguments import JSON, RUN
from sparq_core.contract.texts import inert
from sparq_core.ledger.migration import migrate as copy_forward
from sparq_core.ledger.storage import FORMAT


@click.command()
@RUN
@click.option("--to", type=click.Path(path_type=Path), help=f"Folder of the copy [default: RUN-format-{FORMAT}].")
@JSON
def migrate(run: Path, to: Path | None, as_json: bool) -> None:
    """
    Copy the run folder RUN, made by an older version, into one that this version reads.

    RUN is not changed. The copy keeps every row and the run's digest, and can be resumed, regraded and exported.
    """
    done = copy_forward(run, to or run.with_name(f"{run.name}-format-{FORMAT}"))
    if as_json:
        told = {
            "folder": str(done.folder),
            "from": done.before,
            "to": FORMAT,
            "digest": done.digest,
            "notes": done.notes,
        }
        click.echo(json.dumps(told, indent=2))
        return
    digest = done.digest or "(nothing committed)"
    click.echo(inert(f"format {done.before} → {FORMAT}: {done.folder}, the same digest {digest}"))
    for note in done.notes:
        click.echo(inert(f"to resume it, {note}"))
