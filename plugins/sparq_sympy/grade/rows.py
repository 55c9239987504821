"""A file of solutions, graded row by row."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

import sparq_core as sparq
from sparq_sympy import Sympy, SympyConfig

Reasons = Counter[tuple[str, str]]
"""Solutions by verdict and reason."""
VALUES = ("correct", "incorrect", "unknown")
ROWS_AT_ONCE = 256
ADDED = ("verdict", "verdict_reason", "final_answer")
"""The columns that a graded file has beside its own, in their order."""


class Columns(NamedTuple):
    """Names of the columns."""

    problem: str
    answer: str
    solution: str
    bare: bool
    """Whether solutions are answers alone."""


class Graded(NamedTuple):
    """A row with its solutions and their verdicts."""

    row: dict[str, Any]
    verdicts: list[sparq.Verdict]


def checker(options: Sequence[str]) -> Sympy:
    """The plugin `sympy` with options given as `name=value`; PipelineError where one is wrong."""
    return Sympy(sparq.from_settings(options, SympyConfig, "--option"))


def grade(plugin: Sympy, file: Path, columns: Columns, out: Path | None) -> Reasons:
    """Grade a file, and write the rows with their verdicts if a place is given."""
    reasons: Reasons = Counter()
    with _writer(out) as write:
        rows = _rows(file, columns)
        while group := list(islice(rows, ROWS_AT_ONCE)):
            for graded in _grade(plugin, group, columns):
                reasons.update((v.value, v.reason) for v in graded.verdicts)
                write(json.dumps(_with_verdicts(graded, columns), ensure_ascii=False) + "\n")
    return reasons


def facts(reasons: Reasons, out: Path | None) -> dict[str, Any]:
    """The verdicts by reason, for programs."""
    return {
        "solutions": reasons.total(),
        **{value: sum(n for _, n in _of(reasons, value)) for value in VALUES},
        "reasons": {value: dict(_of(reasons, value)) for value in VALUES},
        "out": None if out is None else str(out),
    }


def show(reasons: Reasons, out: Path | None) -> None:
    """Print the verdicts by reason, and where the rows are."""
    _show(reasons)
    if out:
        Console().print(f"verdicts written to {out}", soft_wrap=True, highlight=False, markup=False)


def _of(reasons: Reasons, value: str) -> list[tuple[str, int]]:
    """The reasons of one verdict, the most frequent first."""
    return sorted(((why, n) for (v, why), n in reasons.items() if v == value), key=lambda item: (-item[1], item[0]))


@contextmanager
def _writer(out: Path | None) -> Iterator[Callable[[str], object]]:
    """What takes the lines; they are kept if a place is given, once all are there."""
    if out is None:
        yield lambda _: None
        return
    with sparq.output(out, "--out", ADDED) as partial, partial.open("w", encoding="utf-8") as file:
        yield file.write


def _rows(file: Path, columns: Columns) -> Iterator[dict[str, Any]]:
    return (_checked(line, columns) for line in sparq.json_lines(file))


def _checked(line: sparq.Line, columns: Columns) -> dict[str, Any]:
    _, place, row = line
    for option, name in (("answer", columns.answer), ("solution", columns.solution)):
        if name not in row:
            has = ", ".join(row)
            raise sparq.PipelineError(
                f"{place}: has no column '{name}' (it has: {has}); name it with --{option}-column"
            )
    if isinstance(answer := row[columns.answer], bool | list | dict):
        raise sparq.PipelineError(
            f"{place}: column '{columns.answer}' holds {sparq.shortened(repr(answer), 60)}, which is no text; write "
            "the answer as one, such as '5' or '2, 3'"
        )
    return row


def _grade(plugin: Sympy, rows: Sequence[dict[str, Any]], columns: Columns) -> Iterator[Graded]:
    trials = [[_trial(row, text, columns) for text in _solutions(row, columns)] for row in rows]
    verdicts = iter(plugin.verify([trial for of_row in trials for trial in of_row]))
    for row, of_row in zip(rows, trials, strict=True):
        yield Graded(row, [next(verdicts) or sparq.Verdict(value="unknown", reason="no-reference") for _ in of_row])


def _trial(row: dict[str, Any], text: str, columns: Columns) -> sparq.Trial:
    given = row[columns.answer]
    text = f"\\boxed{{{text}}}" if columns.bare and text.strip() else text
    answer = None if given is None else sparq.marked_answer(str(given)) or str(given)
    problem = sparq.Problem(id="0.1.0", statement=str(row.get(columns.problem, "")), answer=answer)
    return sparq.Trial(problem, sparq.Attempt(k=0, seed=0, text=text, finish="stop", tokens=0))


def _solutions(row: dict[str, Any], columns: Columns) -> list[str]:
    given = row[columns.solution]
    return [str(text) for text in given] if isinstance(given, list) else [str(given)]


def _with_verdicts(graded: Graded, columns: Columns) -> dict[str, Any]:
    said = [(v.value, v.reason, v.answer) for v in graded.verdicts]
    fields = {name: [values[i] for values in said] for i, name in enumerate(ADDED)}
    single = not isinstance(graded.row[columns.solution], list)
    return {**graded.row, **({name: values[0] for name, values in fields.items()} if single else fields)}


def _show(reasons: Reasons) -> None:
    total = reasons.total()
    table = Table(box=SIMPLE_HEAD, show_edge=False, title=f"{total:,} solutions", title_justify="left")
    table.add_column("verdict")
    table.add_column("reason")
    table.add_column("solutions", justify="right")
    table.add_column("share", justify="right")
    for value in VALUES:
        found = _of(reasons, value)
        count = sum(n for _, n in found)
        table.add_row(f"[bold]{value}[/]", "", f"[bold]{count:,}[/]", f"[bold]{count / max(1, total):.1%}[/]")
        for why, n in found:
            table.add_row("", why, f"{n:,}", f"{n / total:.1%}")
    Console().print(table)
    decided = total - sum(n for (value, _), n in reasons.items() if value == "unknown")
    right = sum(n for (value, _), n in reasons.items() if value == "correct")
    if decided:
        Console().print(f"correct: {right / decided:.1%} of the {decided:,} that were decided", highlight=False)
    if total and reasons["incorrect", "no-answer"] == total:
        Console().print("no solution marks its answer; if the column has only answers, use --bare", style="yellow")
