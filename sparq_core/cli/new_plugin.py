"""`sparq new-plugin`: a plugin as a distribution of its own, with a working method for every hook asked for."""

from pathlib import Path

import click

from sparq_core import hookspecs
from sparq_core.cli.excerpt import excerpt
from sparq_core.cli.scaffold import TEMPLATES, TO, Names, rendered, tell, write
from sparq_core.contract.errors import PipelineError
from sparq_core.hookspecs import HOOKS, ONE_OWNER

COMPANIONS = {
    hookspecs.select: hookspecs.commit,
    hookspecs.start: hookspecs.stop,
    hookspecs.stop: hookspecs.start,
}
"""Hooks whose method needs another's: who selects must know what there is, what is acquired is released."""


@click.command()
@click.argument("name")
@click.option(
    "--hook",
    "hooks",
    multiple=True,
    type=click.Choice(HOOKS),
    metavar="HOOK",
    help=f"A hook to implement; repeatable. `sparq plugins` lists the hooks.  [default: {hookspecs.describe.__name__}]",
)
@TO
def new_plugin(name: str, hooks: tuple[str, ...], to: Path | None) -> None:
    """
    Write a plugin NAME: a complete package with code, tests, and a pipeline that runs without a model.

    Each hook comes with its contract as a docstring and a working method for you to change. The folder must not exist yet.
    """
    names = Names.of(name)
    chosen = _with_companions(hooks or (hookspecs.describe.__name__,))
    texts = rendered("plugin", names, hooks=chosen, module=_module(names, chosen))
    folder = to or Path(names.distribution)
    write(folder, texts)
    tell(folder, f"a plugin that implements {', '.join(chosen)}")


def _with_companions(hooks: tuple[str, ...]) -> list[str]:
    chosen = {*hooks, *(other.__name__ for spec, other in COMPANIONS.items() if spec.__name__ in hooks)}
    owned = [spec.__name__ for spec in ONE_OWNER if spec.__name__ in chosen]
    if len(owned) > 1:
        raise PipelineError(f"--hook: a plugin may implement only one of {' and '.join(owned)}; write two plugins")
    return [hook for hook in HOOKS if hook in chosen]


def _module(names: Names, hooks: list[str]) -> str:
    """The source of a plugin that answers these hooks."""
    source = (TEMPLATES / "hooks.py").read_text(encoding="utf-8")
    texts = {
        "": f"The plugin `{names.name}`: what it does, in a sentence of yours.",
        "Plugin": f"What it does, as `sparq plugins {names.name}` tells it.",
        "Config": f"Options of `{names.name}`.",
    }
    return excerpt(source, hooks, {"Plugin": names.plugin, "Config": f"{names.plugin}Config"}, texts)
