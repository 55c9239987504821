"""The tables of a profile: the rows with what was measured, and every attempt."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Child, Counts
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.outputs import check_table, output
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE

MEASURED = ("num_correct", "num_attempts", "num_unknown", "solve_rate", "solve_rate_low", "solve_rate_high", "outcome")
"""The columns that a row gets, in their order."""
ATTEMPT = ("row", "model", "k", "verdict", "reason", "answer", "finish", "tokens", "text")
ROWS, ATTEMPTS, KEPT = "rows.jsonl", "attempts.jsonl", "kept.jsonl"
"""The files' names."""


class Row(NamedTuple):
    """A row of the dataset with what each model made of it; None for a model that has not come so far."""

    number: int
    given: Mapping[str, Any]
    by_model: tuple[Child | None, ...]


def rows(ledgers: Sequence[Reader]) -> Iterator[Row]:
    """All rows that any model has attempted, in the order of the data."""
    solved = (ledger.solved([0], outcome=None) for ledger in ledgers)
    for number, found in enumerate(zip_longest(*solved)):
        children = tuple(each.child if each else None for each in found)
        given = next(child.problem.extra for child in children if child)
        yield Row(number, given, children)


def names_of(models: Sequence[str], prefix: str) -> list[list[str]]:
    """The names of the measured columns, model by model: those of several end with the model's."""
    return [[prefix + name + f"_{model}" * (len(models) > 1) for name in MEASURED] for model in models]


def check_places(out: Path, models: Sequence[str], prefix: str) -> None:
    """PipelineError where a table would leave out a model that was attempted with, or where something else stands."""
    there = sorted(run.parent.name for run in out.glob(f"*/{DATABASE}"))
    if left := [name for name in there if name not in models]:
        raise PipelineError(
            f"{out}: also holds the attempts of {', '.join(left)}, which the tables would lose; name every model that was "
            "given before with --model, or choose another --out"
        )
    for name in (ROWS, KEPT):
        check_table(out / name, "--out", *earlier(models, prefix))
    check_table(out / ATTEMPTS, "--out", ATTEMPT)


def earlier(models: Sequence[str], prefix: str) -> list[list[str]]:
    """The columns by which an earlier table is known, one of: those of one model alone, those of each of several."""
    return [*names_of(["alone"], prefix), *names_of([*models, "another"], prefix)[:-1]]


def measured(child: Child | None) -> tuple[Any, ...]:
    """The values of the measured columns; none for a row that was rejected or not reached."""
    if child is None or child.rejection:
        return (None,) * (len(MEASURED) - 1) + (child.outcome if child else None,)
    counts = child.counts
    low, high = (None, None) if not counts.decided else _interval(counts, child.solve_rate)
    return counts.correct, counts.drawn, counts.unknown, child.solve_rate, low, high, child.outcome


def _interval(counts: Counts, rate: float | None) -> tuple[float, float]:
    interval = solve_rate_interval(counts, rate)
    return interval.low, interval.high


def write(out: Path, ledgers: Mapping[str, Reader], prefix: str) -> int:
    """Write the rows with their measures, those of them that every model keeps, and every attempt; gives how many are kept."""
    names = names_of(list(ledgers), prefix)
    added = [name for of_model in names for name in of_model]
    kept = 0
    with ExitStack() as files:

        def file(name: str, *columns: Sequence[str]) -> Any:
            partial = files.enter_context(output(out / name, "--out", *columns))
            return files.enter_context(partial.open("wb"))

        before = earlier(list(ledgers), prefix)
        all_rows, attempts = file(ROWS, *before), file(ATTEMPTS, ATTEMPT)
        kept_rows = file(KEPT, *before)
        for row in rows(list(ledgers.values())):
            values = [value for child in row.by_model for value in measured(child)]
            line = _line({**row.given, **dict(zip(added, values, strict=True))})
            all_rows.write(line)
            if all(child and child.outcome == "kept" for child in row.by_model):
                kept += 1
                kept_rows.write(line)
            for (model, ledger), child in zip(ledgers.items(), row.by_model, strict=True):
                for attempt in _attempts(row.number, model, ledger, child):
                    attempts.write(_line(attempt))
    return kept


def _attempts(number: int, model: str, ledger: Reader, child: Child | None) -> Iterator[dict[str, Any]]:
    if child is None or not child.counts.drawn:
        return
    for attempt, verdict in ((j.attempt, j.verdict) for j in ledger.judged(child.problem.id)):
        said = (verdict.value, verdict.reason, verdict.answer, attempt.finish, attempt.tokens, attempt.text)
        yield dict(zip(ATTEMPT, (number, model, attempt.k, *said), strict=True))


def _line(row: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(row) + b"\n"
