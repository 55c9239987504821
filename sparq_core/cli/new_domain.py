"""`sparq new-domain`: problems of another kind as a distribution of its own, whole and working, to be changed."""

from pathlib import Path

import click

from sparq_core.cli.scaffold import TO, Names, rendered, tell, write


@click.command()
@click.argument("name")
@TO
def new_domain(name: str, to: Path | None) -> None:
    """
    Write a domain NAME: a complete package with seeds, prompt, verifier, descriptor, tests, and a pipeline.

    It works as generated, without a model; change it file by file. The folder must not exist yet.
    """
    names = Names.of(name)
    folder = to or Path(names.distribution)
    write(folder, rendered("domain", names))
    tell(folder, "a domain that counts letters, until you change it")
