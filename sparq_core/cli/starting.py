"""`sparq init`: a pipeline to start from."""

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False), default="pipeline.yaml")
def init(path: Path) -> None:
    """Write a commented starter pipeline to PATH [default: pipeline.yaml]."""
    from importlib.resources import files

    from sparq_core.errors import PipelineError

    if path.exists():
        raise PipelineError(f"{path}: exists already; give another path")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(files("sparq_core").joinpath("starter.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"wrote {path}; change its model and seeds, then: sparq check {path}")
