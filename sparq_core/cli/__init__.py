"""
The command `sparq`: one file a command, each imported when it is asked for, so that others stay quick.

What all of them share surrounds them here: where they print (`output`), what signals do (`signals`), how an error is told
(`faults`).
"""

import sys
import sysconfig
import traceback
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import click
import pluggy

import sparq_core
from sparq_core.cli import faults, output, signals
from sparq_core.cli.arguments import DEBUG, FOLDERS
from sparq_core.contract.errors import PluginError, SparqError
from sparq_core.contract.messages import message
from sparq_core.contract.texts import inert

COMMANDS = {
    "quickstart": "quickstart",
    "init": "init",
    "check": "check",
    "preview": "preview",
    "run": "run",
    "profile": "profile",
    "study": "study",
    "status": "status",
    "show": "show",
    "diff": "diff",
    "report": "report",
    "view": "view",
    "export": "export",
    "push": "push",
    "curate": "replay",
    "regrade": "replay",
    "rebin": "replay",
    "label": "label",
    "audit": "audit",
    "plugins": "plugins",
    "schema": "schema",
    "new-plugin": "new_plugin",
    "new-domain": "new_domain",
    "doctor": "doctor",
    "migrate": "migrate",
    "completion": "completion",
    "help": "help",
}
"""The core's commands, each with the file it stands in."""


class Group(click.Group):
    """The core's commands, and those that installed packages offer as entry points `sparq.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return [*COMMANDS, *sorted(entry.name for entry in entry_points(group="sparq.commands"))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        if cmd_name in COMMANDS:
            command: click.Command = getattr(
                import_module(f"sparq_core.cli.{COMMANDS[cmd_name]}"), cmd_name.replace("-", "_")
            )
            return command
        found = next(iter(entry_points(group="sparq.commands", name=cmd_name)), None)
        return found.load() if found else None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SystemExit as stop:
            if ctx.invoked_subcommand in COMMANDS and not _is_ours(stop):
                raise SparqError(
                    f"a plugin called sys.exit({stop.code!r}); plugins must return an answer or raise an exception"
                ) from stop
            raise
        except Exception as error:
            for folder in ctx.meta.get(FOLDERS, ()) if _is_bug(error) else ():
                if found := _damage(folder, error):
                    raise found from error
            raise


def _is_bug(error: Exception) -> bool:
    """Whether it would be told by a traceback."""
    told = isinstance(error, SparqError | click.ClickException | click.exceptions.Exit | click.exceptions.Abort)
    return not told and faults.refused(error) is None


def _damage(folder: Path, error: Exception) -> SparqError | None:
    from sparq_core.cli.damage import damaged

    return damaged(folder, error)


def _is_ours(stop: SystemExit) -> bool:
    """Whether a command gave its exit code, and nobody else."""
    *_, innermost = traceback.extract_tb(stop.__traceback__)
    return Path(innermost.filename).parent == Path(__file__).parent


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("sparq-engine"), prog_name="sparq")
@DEBUG
def cli() -> None:
    """
    A language model writes its own training problems.

    Try it with `sparq quickstart`. For a run of your own: `sparq init`, one step by `sparq preview`, then `sparq run`.
    """


def main() -> None:
    """Run the command; a user's mistake is one message, a plugin's bug is shown by its own frames, ours keeps its traceback."""
    with output.lenient():
        with signals.leaving():
            code = _run()
        signals.left(code)
    sys.exit(code)


def _run() -> int:
    """The command's exit code."""
    try:
        cli.main(standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return signals.AT_ONCE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.message = message(error.message)  # type: ignore[misc]  # a value given may be of any length
        error.show()
        return 2
    except Exception as error:
        if told := faults.refused(error) or (error if isinstance(error, SparqError) else None):
            _tell(told)
            return told.exit_code
        raise
    return _printed()


def _printed() -> int:
    """The exit code of a command that had nothing else to do than to print."""
    if why := output.why_lost():
        click.echo(click.style("error: ", fg="red", bold=True) + f"standard output cannot be written: {why}", err=True)
        return 1
    return 0


def _tell(error: SparqError) -> None:
    if "--debug" in sys.argv:
        traceback.print_exception(error)
    elif isinstance(error, faults.RefusedError):
        pass
    elif error.__cause__ and (frames := _plugins_frames(error.__cause__, whole=isinstance(error, PluginError))):
        click.echo(inert("".join(traceback.format_list(frames)).rstrip(), block=True), err=True)
    click.echo(click.style("error: ", fg="red", bold=True) + str(error), err=True)
    for note in getattr(error, "__notes__", ()):
        click.echo(f"({message(note)})", err=True)


def _plugins_frames(error: BaseException, whole: bool) -> list[traceback.FrameSummary]:
    """The frames of a plugin's bug: the `whole` of them, from its first to its last, or those of a user's own files."""
    ours = tuple(str(Path(module.__file__ or "").parent) for module in (sparq_core, pluggy))
    libraries = (*sysconfig.get_paths().values(), "<")
    frames = list(traceback.extract_tb(error.__traceback__))
    theirs = [i for i, frame in enumerate(frames) if not frame.filename.startswith(ours)]
    if whole:
        return frames[theirs[0] : theirs[-1] + 1] if theirs else []
    return [frames[i] for i in theirs if not frames[i].filename.startswith(libraries)]
