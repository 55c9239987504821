"""`sparq label`: labels for what a finished run did not keep."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from sparq_core.cli import faults, status
from sparq_core.cli.arguments import DEBUG, DRAIN, HOOK_LIMIT, JSON, RUN, SET
from sparq_core.cli.watching import interruptible
from sparq_core.cli.wording import warn
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.texts import inert
from sparq_core.ledger import diversity
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.loop import labelling
from sparq_core.loop.labelling import Labelled
from sparq_core.loop.rounds import exit_code
from sparq_core.loop.stops import INTERRUPTED


@click.command()
@RUN
@SET
@DEBUG
@DRAIN
@HOOK_LIMIT
@JSON
def label(run: Path, overrides: tuple[str, ...], drain: float, hook_limit: float | None, as_json: bool) -> None:
    """
    Label the attempted problems of the run folder RUN that were not kept, in the same way as the kept ones.

    No attempt is drawn, nothing is overwritten, and no problem is labelled twice. If it is interrupted, the same command
    continues.

    Exit codes: 0 done, 1 failed, 2 bad settings, 4 interrupted, 5 locked by a run in progress.
    """
    again = f"To continue, run: sparq label {run}"
    with (
        interruptible(Console(stderr=True), drain, hook_limit, again) as interrupted,
        faults.told(run, lambda of: (of / DATABASE).exists(), again),
        click.progressbar(length=0, label="labelling", file=sys.stderr) as bar,
    ):

        def tell(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        done = labelling.label(run, overrides, _warn, tell, interrupted)
    with Reader.open(run) as ledger:
        coverage = {"archive": diversity.archive(ledger), "curated": diversity.curated(ledger)}
    if as_json:
        tokens = {role: {"prompt": used.prompt, "sampled": used.sampled} for role, used in done.used.items()}
        click.echo(json.dumps({"labelled": done.problems, "left": done.left, "tokens": tokens, **coverage}, indent=2))
    else:
        _tell(done, coverage)
    if done.left:
        click.echo(inert(f"Interrupted, with {done.left:,} problems left. {again}"), err=True)
        raise SystemExit(exit_code(INTERRUPTED))


def _tell(done: Labelled, coverage: Mapping[str, Any]) -> None:
    sampled, prompts = (sum(getattr(used, kind) for used in done.used.values()) for kind in ("sampled", "prompt"))
    click.echo(f"{done.problems:,} problems labelled, using {sampled:,} sampled tokens and {prompts:,} prompt tokens")
    for line in status.coverage(coverage["archive"], coverage["curated"]):
        click.echo(inert(line))


def _warn(event: Event) -> None:
    if isinstance(event, Warned):
        warn(event.message)
