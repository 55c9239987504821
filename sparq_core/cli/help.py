"""`sparq help`: a page on a command, or on what commands share."""

import inspect
from collections.abc import Callable
from importlib.resources import files

import click
from click.shell_completion import CompletionItem

from sparq_core import hookspecs
from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.messages import message
from sparq_core.pipeline.settings import options_of

EXIT_CODES = {
    0: "done",
    1: "failed; committed steps are kept, `--resume` continues",
    2: "bad pipeline or usage; nothing was written",
    3: "stopped by a budget, valid result",
    4: "interrupted, or refused by the machine; resumable",
    5: "locked by another run",
    130: "second Ctrl-C, or Ctrl-C before there was anything to resume",
}


def _exit_codes() -> str:
    return "\n".join(f"{code:>4}  {meaning}" for code, meaning in EXIT_CODES.items())


def _pipeline() -> str:
    options = (f"{o.name}  ({o.type}, default {o.default})\n    {o.description}" for o in options_of(Pipeline))
    return "The top level of a pipeline file; `sparq schema` prints all settings for an editor.\n\n" + "\n".join(
        options
    )


def _ledger() -> str:
    return files("sparq_core.ledger").joinpath("schema.sql").read_text(encoding="utf-8").strip()


def _hooks() -> str:
    firsts = ((hook, inspect.getdoc(getattr(hookspecs, hook)) or "") for hook in hookspecs.HOOKS)
    return "\n".join(f"{hook}\n    {told.partition(chr(10))[0]}" for hook, told in firsts)


def _hook(name: str) -> str:
    hook = getattr(hookspecs, name)
    return f"{name}({', '.join(inspect.signature(hook).parameters)})\n\n{inspect.getdoc(hook)}"


TOPICS: dict[str, tuple[str, Callable[[], str]]] = {
    "pipeline": ("the settings of a pipeline file", _pipeline),
    "ledger": ("the tables of a run's SQLite file", _ledger),
    "hooks": ("the hooks that a plugin may implement", _hooks),
    "exit-codes": ("the exit codes of commands", _exit_codes),
}
"""What there is a page on beside the commands."""


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- click's signature
    root = ctx.find_root()
    names = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
    return [CompletionItem(name) for name in (*TOPICS, *names) if name.startswith(incomplete)]


@click.command()
@click.argument("topic", required=False, shell_complete=_complete)
def help(topic: str | None) -> None:  # noqa: A001 -- named as its command, as all are
    """Show the page of TOPIC: a command, a hook, or one of pipeline, ledger, hooks and exit-codes."""
    root = click.get_current_context().find_root()
    text = _overview(root) if topic is None else _page(root, topic)
    click.echo(text)


def _overview(root: click.Context) -> str:
    topics = "\n".join(f"  {name:<12} {what}" for name, (what, _) in TOPICS.items())
    return f"{root.command.get_help(root)}\n\nOther topics of `sparq help TOPIC`:\n{topics}"


def _page(root: click.Context, topic: str) -> str:
    if topic in TOPICS:
        return TOPICS[topic][1]()
    command = root.command.get_command(root, topic) if isinstance(root.command, click.Group) else None
    if command is None and topic in hookspecs.HOOKS:
        return _hook(topic)
    if command is None:
        commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
        hint = nearest(topic, (*TOPICS, *commands, *hookspecs.HOOKS))
        raise PipelineError(message(f"there is no topic {topic}; {hint}"))
    return command.get_help(click.Context(command, parent=root, info_name=topic))
