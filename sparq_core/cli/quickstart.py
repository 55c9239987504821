"""`sparq quickstart`: the pipeline, seeds and benchmark that come with the engine, run in a folder of their own."""

import shutil
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path

import click
import yaml

from sparq_core.cli.arguments import DEBUG, SET
from sparq_core.cli.run import run
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.messages import shown
from sparq_core.ledger.files import PARTIAL, copy_all, make_folder, sync, sync_all
from sparq_core.pipeline import prepare
from sparq_core.pipeline.discovery import load_class

PIPELINE = "quickstart.yaml"


@click.command()
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    default="sparq-quickstart",
    show_default=True,
    help="The folder for the pipeline, its files and the run.",
)
@SET
@DEBUG
@click.pass_context
def quickstart(context: click.Context, to: Path, overrides: tuple[str, ...]) -> None:
    """
    Run the quickstart: the whole loop on a small model that comes with the engine, on a CPU, without a download.

    Writes the pipeline, its seeds and its benchmark to a new folder and runs them there, in `run`. The same command continues
    an unfinished run. Exit codes are those of `sparq run`.
    """
    with as_file(files("sparq_core.cli") / "quickstart_files") as carried:
        click.echo(
            "checking the quickstart: its plugins try their settings and load the benchmark, which takes some seconds"
        )
        _check_installed(carried / PIPELINE)
        prepare.warnings_of(
            prepare.load(carried / PIPELINE, overrides)
        )  # what is wrong is told before anything is written
        _place(carried, to)
    context.invoke(run, pipeline=to / PIPELINE, overrides=overrides, out=to / "run", resume=True, accept_changes=None)


def _check_installed(pipeline: Path) -> None:
    """PipelineError where packages are missing, all of them in one."""
    settings = yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    uses = [each["use"] for each in (*settings["models"].values(), *settings["plugins"])]
    needed = {module for use in uses for module in getattr(load_class(use, use, pipeline.parent)[0], "requires", {})}
    if missing := sorted(module for module in needed if find_spec(module) is None):
        raise PipelineError(
            f"the quickstart needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'sparq-engine[quickstart]'"
        )


def _place(carried: Path, folder: Path) -> None:
    """Write the files whole or not at all; PipelineError where the folder is there and holds other ones."""
    if folder.exists():
        if any(not _same(file, folder / file.relative_to(carried)) for file in carried.rglob("*") if file.is_file()):
            raise PipelineError(
                f"{shown(folder)}: already exists and is not this quickstart; choose another folder with --to"
            )
        return
    partial = folder.with_name(folder.name + PARTIAL)
    make_folder(folder.parent)
    shutil.rmtree(partial, ignore_errors=True)
    copy_all(carried, partial)
    sync_all(partial)
    partial.rename(folder)
    sync(folder.parent)


def _same(file: Path, there: Path) -> bool:
    return there.is_file() and there.read_bytes() == file.read_bytes()
