"""`sparq completion`: what makes a shell complete commands, options, plugins and folders."""

import click
from click.shell_completion import get_completion_class

from sparq_core.contract.errors import SparqError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """
    Print the script with which SHELL completes commands, options, plugins and folders of sparq.

    For bash, put eval "$(sparq completion bash)" in ~/.bashrc; for zsh likewise in ~/.zshrc. For fish:
    sparq completion fish > ~/.config/fish/completions/sparq.fish
    """
    completer = get_completion_class(shell)
    if completer is None:
        raise SparqError(f"this version of click has no completion for {shell}; update click")
    root = click.get_current_context().find_root().command
    click.echo(completer(root, {}, "sparq", "_SPARQ_COMPLETE").source())
