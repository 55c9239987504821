"""How the words of others are told, in every command alike."""

from collections.abc import Mapping

import click
from rich.text import Text

from sparq_core.contract.texts import inert, shortened
from sparq_core.contract.wording import LONGEST_NAME


def warn(message: str) -> None:
    """Show a warning on standard error."""
    click.echo(click.style("warning: ", fg="yellow", bold=True) + inert(message, block=True), err=True)


def plain(text: str, style: str = "") -> Text:
    """A line that others' words stand in, as it is: nothing in it is markup, nor acts on the terminal."""
    return Text(inert(shortened(text)), style=style)


def block(text: str, style: str = "") -> Text:
    """A text that others wrote, as it is in its own lines."""
    return Text(inert(shortened(text), block=True), style=style)


def begins(text: str, most: int) -> str:
    """How a text begins, on one line."""
    words = " ".join(text[:most].split())
    return words + "…" * (len(text) > most)


MOST_REASONS = 4


def reasons(counts: Mapping[str, int]) -> str:
    """The most frequent reasons, with their counts."""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    named = [f"{inert(shortened(reason, LONGEST_NAME))} {count:,}" for reason, count in ranked[:MOST_REASONS]]
    rest = sum(count for _, count in ranked[MOST_REASONS:])
    return ", ".join(named + ([f"others {rest:,}"] if rest else []))
