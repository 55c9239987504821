"""How one verdict comes about."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

import sparq_core as sparq
from sparq_sympy import Sympy
from sparq_sympy.reading.answer import Answer, read
from sparq_sympy.tree.nodes import shown

COLOURS = {"correct": "green", "incorrect": "red", "unknown": "yellow"}


def explained(plugin: Sympy, gold: str, answer: str) -> dict[str, Any]:
    """How reference and answer were read, and the verdict with its reason."""
    decision = plugin.equivalent(gold, answer)
    return {
        **{name: {"text": text, **_reading(read(text))} for name, text in (("reference", gold), ("answer", answer))},
        "verdict": decision.value,
        "reason": decision.reason,
        "how": decision.how,
    }


def show(found: Mapping[str, Any]) -> None:
    """Print what `explained` found."""
    console = Console()
    for name in ("reference", "answer"):
        text, *lines = found[name].items()
        console.print(f"[bold]{name:>9}[/]  {escape(sparq.inert(text[1]))}", soft_wrap=True, highlight=False)
        for what, said in lines:
            console.print(
                f"           [dim]{escape(sparq.inert(f'{what}: {said}'))}[/]", soft_wrap=True, highlight=False
            )
    verdict = f"[bold {COLOURS[found['verdict']]}]{found['verdict']}[/]"
    console.print(f"[bold]{'verdict':>9}[/]  {verdict}: {found['reason']}", soft_wrap=True, highlight=False)
    console.print(f"           {escape(sparq.inert(found['how']))}", soft_wrap=True, highlight=False)


def _reading(answer: Answer) -> dict[str, str]:
    nodes = {"read as": answer.node, "or as": answer.other, "given": answer.condition}
    return {
        "normalised": answer.normal,
        **{what: shown(node) for what, node in nodes.items() if node is not None},
        **({"unit": answer.unit} if answer.unit else {}),
        **({"not read": answer.refused} if answer.refused else {}),
    }
