"""How one verdict comes about."""

from rich.console import Console
from rich.markup import escape

import sparq_core as sparq
from sparq_sympy import Sympy
from sparq_sympy.reading.answer import Answer, read
from sparq_sympy.tree.nodes import shown

COLOURS = {"correct": "green", "incorrect": "red", "unknown": "yellow"}


def show(plugin: Sympy, gold: str, answer: str) -> None:
    """Print how reference and answer were read, and the verdict with its reason."""
    console = Console()
    for name, text in (("reference", gold), ("answer", answer)):
        console.print(f"[bold]{name:>9}[/]  {escape(sparq.inert(text))}", soft_wrap=True, highlight=False)
        for line in _reading(read(text)):
            console.print(f"           [dim]{escape(sparq.inert(line))}[/]", soft_wrap=True, highlight=False)
    decision = plugin.equivalent(gold, answer)
    said = f"[bold {COLOURS[decision.value]}]{decision.value}[/]"
    console.print(f"[bold]{'verdict':>9}[/]  {said}: {decision.reason}", soft_wrap=True, highlight=False)
    console.print(f"           {escape(sparq.inert(decision.how))}", soft_wrap=True, highlight=False)


def _reading(answer: Answer) -> list[str]:
    lines = [f"normalised: {answer.normal}"]
    if answer.node is not None:
        lines.append(f"read as: {shown(answer.node)}")
    if answer.other is not None:
        lines.append(f"or as: {shown(answer.other)}")
    if answer.condition is not None:
        lines.append(f"given: {shown(answer.condition)}")
    if answer.unit:
        lines.append(f"unit: {answer.unit}")
    if answer.refused:
        lines.append(f"not read: {answer.refused}")
    return lines
