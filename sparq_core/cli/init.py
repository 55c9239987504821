"""`sparq init`: a pipeline to start from."""

from importlib.resources import files
from pathlib import Path

import click

from sparq_core.contract.errors import PipelineError


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="pipeline.yaml")
def init(path: Path) -> None:
    """Write a commented starter pipeline to PATH [default: pipeline.yaml]."""
    if path.exists():
        raise PipelineError(f"{path}: exists already; give another path")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(files("sparq_core.cli").joinpath("starter.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"wrote {path}; change its model and seeds, then: sparq check {path}")
