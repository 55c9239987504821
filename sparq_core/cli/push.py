"""`sparq push`: a dataset or a model to the Hub."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from sparq_core.cli.arguments import JSON
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.texts import inert
from sparq_core.publish import hub
from sparq_core.publish.hub import Parcel, Target

MOST_FILES = 20
"""Files that are shown one by one."""


@click.command()
@click.argument("source", metavar="RUN|FOLDER", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("repo")
@click.option("--model", metavar="round-N", help="Send this model of the run, not its dataset.")
@click.option("--public", is_flag=True, help="Everybody may read it [default: it is private].")
@click.option(
    "--license",
    "licence",
    metavar="ID",
    help="Licence of the dataset, by its identifier on the Hub, such as cc-by-4.0.",
)
@click.option("--yes", is_flag=True, help="Do not ask before it is sent.")
@JSON
def push(
    source: Path, repo: str, model: str | None, public: bool, licence: str | None, yes: bool, as_json: bool
) -> None:
    """
    Send a dataset, or a trained model, to the repository REPO on the Hugging Face Hub: OWNER/NAME, or NAME for one of yours.

    The dataset of a run folder is exported first; a folder that `sparq export` wrote is sent unchanged. The files are listed,
    and nothing is sent before you agree. A repository with other contents is not changed. The token is that of `hf auth login`,
    or HF_TOKEN.

    Exit codes: 0 sent, 1 rejected by the Hub, Hub not reachable, or you answered no, 2 bad usage, token or repository.
    """
    if not (yes or sys.stdin.isatty()):
        raise click.UsageError("there is no terminal for the confirmation; --yes sends without asking")
    if model and licence:
        raise click.UsageError("--license is for a dataset; a model has the licence of its base model")
    repo = hub.with_owner(repo)
    with TemporaryDirectory(prefix="sparq-") as scratch:
        parcel = hub.model_parcel(source, model) if model else hub.dataset_parcel(source, Path(scratch), repo, licence)
        target = hub.look(parcel, repo)
        if target.private is False and not public:
            raise PipelineError(f"{target.repo}: is public; confirm with --public")
        click.echo(_shown(parcel, target, public=public), err=as_json)
        if not (yes or click.confirm("Send it?", err=as_json)):
            click.echo("nothing was sent", err=as_json)
            raise SystemExit(1)
        sent = hub.send(parcel, target, public=public)
        click.echo(json.dumps(_facts(parcel, target, sent), indent=2) if as_json else inert(f"sent: {sent}"))


def _facts(parcel: Parcel, target: Target, sent: str) -> dict[str, Any]:
    """What was sent, for programs."""
    return {"kind": parcel.kind, "repo": target.repo, "url": sent, "files": {n: parcel.size(n) for n in parcel.files}}


def _shown(parcel: Parcel, target: Target, *, public: bool) -> str:
    """What will be sent, and where to."""
    seen = ("public" if public else "private") if target.private is None else "private" if target.private else "public"
    state = f"new, {seen}" if target.private is None else f"exists, {seen}"
    lines = [f"{parcel.kind} {target.repo} ({state})"]
    lines += [f"  {name}  {_size(parcel.size(name))}" for name in parcel.files[:MOST_FILES]]
    if len(parcel.files) > MOST_FILES:
        lines.append(f"  and {len(parcel.files) - MOST_FILES:,} more")
    if gone := [name for name in target.files if name not in parcel.files]:
        lines.append(f"  {len(gone):,} file{'s' * (len(gone) > 1)} of an earlier push will be deleted")
    lines.append(f"{len(parcel.files):,} files, {_size(sum(map(parcel.size, parcel.files)))}")
    return "\n".join(map(inert, lines))


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
