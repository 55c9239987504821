"""`sparq schema`: what a pipeline may hold, for editors."""

import json

import click

from sparq_core.pipeline.catalogue import entries
from sparq_core.pipeline.schema import pipeline_schema


@click.command()
def schema() -> None:
    """
    Print the JSON Schema of a pipeline, with the options of all installed plugins.

    Editors with a YAML language server use it for completion and checks: `sparq schema > pipeline.schema.json`, and as the
    first line of a pipeline: # yaml-language-server: $schema=pipeline.schema.json
    """
    click.echo(json.dumps(pipeline_schema(entries()), indent=2))
