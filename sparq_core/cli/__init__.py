"""The command `sparq`. Imports are made inside the commands, so that `sparq --help` is quick."""

import sys
from importlib.metadata import entry_points, version

import click

from sparq_core.cli.looking import curate, export, plugins, rebin, regrade, show, status
from sparq_core.cli.running import check, preview, run
from sparq_core.cli.starting import init
from sparq_core.errors import SparqError


class Group(click.Group):
    """The core's commands, and those that installed packages offer as entry points `sparq.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *sorted(entry.name for entry in entry_points(group="sparq.commands"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) is not None:
            return own
        found = next(iter(entry_points(group="sparq.commands", name=cmd_name)), None)
        return found.load() if found else None


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("sparq-engine"), prog_name="sparq")
def cli() -> None:
    """
    A language model writes its own training problems.

    Start with `sparq init`, look at one step with `sparq preview`, then `sparq run`.
    """


for command in (init, check, preview, run, status, show, export, curate, regrade, rebin, plugins):
    cli.add_command(command)


def main() -> None:
    """Run the command; a user's mistake is one message, a bug keeps its traceback."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SparqError as error:
        click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)
        for note in getattr(error, "__notes__", ()):
            click.echo(f"({note})", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(141)
