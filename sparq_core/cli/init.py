"""`sparq init`: a pipeline to start from."""

from importlib.resources import files
from pathlib import Path

import click

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.texts import inert
from sparq_core.ledger.files import whole


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="pipeline.yaml")
def init(path: Path) -> None:
    """Write a commented starter pipeline to PATH [default: pipeline.yaml]."""
    if path.exists():
        raise PipelineError(f"{path}: already exists; choose another path")
    with whole(path) as partial:
        partial.write_bytes(files("sparq_core.cli").joinpath("starter.yaml").read_bytes())
    shown = inert(str(path))
    click.echo(f"wrote {shown}; change its model and seeds, then: sparq check {shown}")
