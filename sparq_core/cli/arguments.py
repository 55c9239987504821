"""Arguments that several commands take."""

from pathlib import Path
from typing import Any

import click

FOLDERS = f"{__name__}.folders"
"""Where a click context has the run folders that a command reads."""


def _noted(ctx: click.Context, _: Any, folders: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
    """Note that a command reads this run folder, or these."""
    ctx.meta[FOLDERS] = folders if isinstance(folders, tuple) else (folders,)
    return folders


RUNS = click.argument(
    "runs",
    metavar="RUN [RUN …]",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    callback=_noted,
)
RUN = click.argument("run", type=click.Path(path_type=Path, file_okay=False), callback=_noted)
GRADING = click.option(
    "--grading", default=1, show_default=True, help="The grading to use; `sparq regrade` adds gradings."
)
PIPELINE = click.argument("pipeline", type=click.Path(path_type=Path))
SET = click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="Change one setting; repeatable.")
DRAIN = click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=25.0,
    show_default=True,
    metavar="SECONDS",
    help="Time for steps in flight to finish after the first Ctrl-C or SIGTERM. Slurm and Kubernetes kill after 30 seconds.",
)
HOOK_LIMIT = click.option(
    "--hook-limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End the run if a plugin takes longer for one answer; training and benchmarks have no limit. "
    "[default: only warn, after one minute, or after ten for models and plugins that load]",
)
JSON = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show full tracebacks.")
