"""The problems that `sparq show` lists: a line each, or as data."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparq_core.cli.wording import begins, plain
from sparq_core.contract.records import Child
from sparq_core.contract.wording import reason_of

LONGEST = 300
"""Characters of a statement or of labels, of which a line shows as many as it has room for."""
COLOURS = {"kept": "green", "rejected": "red", "unresolved": "yellow", "disputed": "yellow", "out-of-band": "none"}


def tell(console: Console, children: Sequence[Child], matching: int) -> None:
    """A table, and how many there are that it does not show."""
    if children:
        console.print(_table(children))
    some = f"the first {len(children):,} of " if len(children) < matching else ""
    console.print(f"{some}{matching:,} problem{'s' * (matching != 1)}", style="dim", highlight=False)


def _table(children: Sequence[Child]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), show_edge=False, expand=True)
    for name in ("id", "outcome", "solved"):
        table.add_column(name, no_wrap=True, justify="right" if name == "solved" else "left")
    operators = len({child.problem.operator for child in children}) > 1
    if operators:
        table.add_column("operator", no_wrap=True, overflow="ellipsis")
    table.add_column("why, or labels", no_wrap=True, overflow="ellipsis", ratio=2)
    table.add_column("statement", no_wrap=True, overflow="ellipsis", ratio=3)
    for child in children:
        table.add_row(
            child.problem.id,
            Text(child.outcome, COLOURS[child.outcome]),
            f"{child.counts.correct}/{child.counts.decided}" if child.counts.drawn else "",
            *([plain(begins(child.problem.operator, LONGEST))] if operators else []),
            _why(child),
            plain(begins(child.problem.statement, LONGEST))
            if child.problem.statement
            else Text("(could not be parsed)", "dim"),
        )
    return table


def _why(child: Child) -> Text:
    """Why a problem is not kept, in as many lines as that takes, or how it is described."""
    if reason := f"{child.rejection.plugin}: {child.rejection.reason}" if child.rejection else reason_of(child):
        why = plain(begins(reason, LONGEST))
        why.no_wrap, why.overflow = False, "fold"
        return why
    told = [text for key, value in child.descriptors.items() for text in _described(key, value)]
    return plain(begins(", ".join(told), LONGEST)) if told else Text("(no labels)", "dim")


def _described(key: str, value: Any) -> list[str]:
    """A descriptor in words: labels as they are, a number with its name."""
    if isinstance(value, str | list | tuple):
        return [value] if isinstance(value, str) else list(map(str, value))
    return [f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"]


def as_json(child: Child) -> dict[str, Any]:
    """A problem and what became of it."""
    problem = child.problem
    return {
        "id": problem.id,
        "operator": problem.operator,
        "parents": list(problem.parents),
        "statement": problem.statement,
        "answer": problem.answer,
        "solution": problem.solution,
        "extra": _plain(problem.extra),
        "outcome": child.outcome,
        "reason": child.reason,
        "rejected_by": child.rejection.plugin if child.rejection else None,
        "rejected_in": child.rejection.hook if child.rejection else None,
        "solve_rate": child.solve_rate,
        "num_correct": child.counts.correct,
        "num_incorrect": child.counts.incorrect,
        "num_unknown": child.counts.unknown,
        "quality": child.quality,
        "descriptors": _plain(child.descriptors),
    }


def _plain(values: Mapping[str, Any]) -> Any:
    return msgspec.to_builtins(values)
