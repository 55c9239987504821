"""How numbers, names and the words of others are told, in every command alike."""

import click
from rich.text import Text

from sparq_core.contract.tally import Tally
from sparq_core.contract.texts import inert, shortened


def warn(message: str) -> None:
    """Show a warning on standard error."""
    click.echo(click.style("warning: ", fg="yellow", bold=True) + inert(message, block=True), err=True)


def plain(text: str, style: str = "") -> Text:
    """A line that others' words stand in, as it is: nothing in it is markup, nor acts on the terminal."""
    return Text(inert(shortened(text)), style=style)


def block(text: str, style: str = "") -> Text:
    """A text that others wrote, as it is in its own lines."""
    return Text(inert(shortened(text), block=True), style=style)


def money(amount: float) -> str:
    """An amount of any currency: two digits after the point, or two that count where it is small."""
    return f"{amount:,.2f}" if amount >= 1 or not amount else f"{amount:.2g}"


MOST_REASONS, LONGEST_NAME = 4, 100


def metric_name(key: str) -> str:
    """A metric as people read it: `qd_score` is QD-score."""
    return inert(shortened({"qd_score": "QD-score"}.get(key, key.replace("_", " ")), LONGEST_NAME))


def funnel(tally: Tally) -> list[tuple[str, int]]:
    """Proposed children and what became of them, in the order of the loop."""
    out = tally.outcomes
    return [
        ("proposed", tally.children),
        ("rejected", out.get("rejected", 0)),
        ("unresolved", out.get("unresolved", 0)),
        ("disputed", out.get("disputed", 0)),
        ("out of band", out.get("out-of-band", 0)),
        ("kept", out.get("kept", 0)),
    ]


def reasons(tally: Tally) -> str:
    """The most frequent reasons for rejection, with their counts."""
    ranked = sorted(tally.reasons.items(), key=lambda item: -item[1])
    named = [f"{inert(shortened(reason, LONGEST_NAME))} {count:,}" for reason, count in ranked[:MOST_REASONS]]
    rest = sum(count for _, count in ranked[MOST_REASONS:])
    return ", ".join(named + ([f"others {rest:,}"] if rest else []))
