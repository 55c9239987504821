"""Arguments that several commands take."""

from pathlib import Path

import click

RUN = click.argument("run", type=click.Path(path_type=Path, file_okay=False))
GRADING = click.option("--grading", default=1, show_default=True, help="Which grading; `sparq regrade` adds others.")
PIPELINE = click.argument("pipeline", type=click.Path(path_type=Path))
SET = click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="Change one setting; may be repeated.")
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show whole tracebacks.")
