"""`sparq plugins`: what is installed, and what each plugin answers and takes."""

import inspect
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sparq_core.cli.wording import block, plain
from sparq_core.pipeline.discovery import hooks_of, installed, load_class, origin_of
from sparq_core.pipeline.settings import all_options, config_of

LONGEST_DEFAULT = 40


def show_all(console: Console) -> None:
    """Every installed plugin, none of them imported."""
    table = Table(box=None, padding=(0, 2))
    for column in ("plugin", "from", "class"):
        table.add_column(column)
    for name, entry in sorted(installed().items()):
        table.add_row(plain(name, "bold"), plain(origin_of(entry)), plain(entry.value, "dim"))
    console.print(table)
    console.print("\n`sparq plugins NAME` shows a plugin's hooks and options.", style="dim", markup=False)


def show_one(console: Console, name: str) -> None:
    """One plugin: what it is for, its hooks, its options."""
    plugin, origin = load_class(name, "plugins", Path.cwd())
    console.print(Text.assemble(plain(name, "bold"), " ", plain(f"({origin})", "dim"), "\n"))
    console.print(block(inspect.getdoc(plugin) or ""))
    console.print(f"\nanswers: {', '.join(hooks_of(plugin)) or 'no hook'}", highlight=False)
    config = config_of(plugin, "plugins")
    if config is None:
        console.print("takes no options")
        return
    for option in all_options(config):
        default = option.default if len(option.default) <= LONGEST_DEFAULT else option.default[:LONGEST_DEFAULT] + "…"
        how = plain(f"{option.type}, default {default}", "dim")
        console.print(Text.assemble("\n", plain(option.name, "bold"), "  ", how))
        console.print(Padding(block(option.description), (0, 0, 0, 4)))


@click.command()
@click.argument("name", required=False)
def plugins(name: str | None) -> None:
    """List the installed plugins, or show the hooks and options of plugin NAME."""
    if name is None:
        show_all(Console())
    else:
        show_one(Console(), name)
