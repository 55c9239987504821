"""`sparq plugins`: what is installed, and what each plugin answers and takes."""

import inspect
import json
from importlib.metadata import version
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sparq_core import hookspecs
from sparq_core.cli.arguments import JSON
from sparq_core.cli.wording import block, plain
from sparq_core.pipeline.catalogue import Entry, by_hook, entries, entry
from sparq_core.pipeline.compatibility import ENGINE
from sparq_core.pipeline.discovery import installed

LONGEST_DEFAULT = 40


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's signature
    return [CompletionItem(name) for name in sorted(installed()) if name.startswith(incomplete)]


@click.command()
@click.argument("name", required=False, shell_complete=_complete)
@JSON
def plugins(name: str | None, as_json: bool) -> None:
    """
    List the installed plugins by hook, or show the hooks and options of plugin NAME.

    NAME can also be a class in a file: ./file.py:Class.
    """
    if as_json:
        told = (
            {"plugins": [each.as_json() for each in entries()]} if name is None else entry(name, Path.cwd()).as_json()
        )
        click.echo(json.dumps(told, indent=2))
    elif name is None:
        _show_all(Console())
    else:
        _show_one(Console(), entry(name, Path.cwd()))


def _show_all(console: Console) -> None:
    for hook, listed in by_hook(entries()).items():
        console.print(Text.assemble(plain(hook or "no hook", "bold"), "  ", plain(_purpose(hook), "dim")))
        width = max(len(each.name) for each in listed)
        for each in listed:
            told = plain(each.line, "red" if each.broken else "")
            line = Text.assemble("  ", plain(each.name.ljust(width), "cyan"), "  ", plain(_whose(each), "dim"), told)
            console.print(line, no_wrap=True, overflow="ellipsis", soft_wrap=not console.is_terminal)
    ours = (
        f"Plugins without a package name are part of {ENGINE} {version(ENGINE)}. "
        "`sparq plugins NAME` shows the hooks and options of a plugin."
    )
    console.print(f"\n{ours}", style="dim", markup=False, highlight=False)


def _purpose(hook: str) -> str:
    """What a hook is for, in the first sentence of its page."""
    if not hook:
        return "these plugins cannot be loaded"
    return (inspect.getdoc(getattr(hookspecs, hook)) or "").partition("\n")[0].partition(", ")[0].removesuffix(".")


def _whose(each: Entry) -> str:
    """Where it comes from, unless from the engine itself."""
    return "" if each.distribution == ENGINE else f"({each.origin}) "


def _show_one(console: Console, shown: Entry) -> None:
    console.print(Text.assemble(plain(shown.name, "bold"), " ", plain(f"({shown.origin})", "dim")))
    if shown.engine:
        console.print(plain(f"works with {ENGINE} {shown.engine}", "dim"))
    if shown.homepage:
        console.print(plain(shown.homepage, "dim"))
    console.print()
    console.print(block(shown.meaning))
    console.print(f"\nhooks: {', '.join(shown.hooks) or 'none'}", highlight=False)
    if not shown.options:
        console.print("takes no options")
    for option in shown.options:
        default = option.default if len(option.default) <= LONGEST_DEFAULT else option.default[:LONGEST_DEFAULT] + "…"
        how = plain(f"{option.type}, default {default}", "dim")
        console.print(Text.assemble("\n", plain(option.name, "bold"), "  ", how))
        console.print(Padding(block(option.description), (0, 0, 0, 4)))
