"""A study's table as files: JSON for programs, CSV for spreadsheets, Markdown for people; the same results, the same bytes."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sparq_core.contract.texts import inert
from sparq_core.ledger.files import whole
from sparq_core.study.results import Cost, Difference, Mean, Results, Trend, in_order


def write(results: Results, folder: Path) -> list[Path]:
    """Write all tables into a study's folder; each file is whole or as it was."""
    texts = {
        "results.json": json.dumps(msgspec.to_builtins(results), indent=1) + "\n",
        "results.md": markdown(results),
        "scores.csv": _csv(Mean, results.means),
        "differences.csv": _csv(Difference, results.differences),
        "trends.csv": _csv(Trend, results.trends),
        "costs.csv": _costs_csv(results.costs),
    }
    for name, text in texts.items():
        with whole(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _csv(kind: type[Struct], rows: Sequence[Struct]) -> str:
    names = kind.__struct_fields__
    return _lines([list(names), *([getattr(row, name) for name in names] for row in rows)])


def _lines(rows: Sequence[list[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _costs_csv(costs: Sequence[Cost]) -> str:
    names = list(dict.fromkeys(name for cost in costs for name in cost.means))
    rows: list[list[Any]] = [[c.arm, c.cells, *(c.means.get(name, "") for name in names)] for c in costs]
    return _lines([["arm", "cells", *names], *rows])


def markdown(results: Results) -> str:
    """The table for people: scores and differences in percent, with their intervals."""
    return (
        "\n".join([*_head(results), *_scores(results), *_compared(results), *_trends(results), *_costs(results)]) + "\n"
    )


def _head(results: Results) -> Iterator[str]:
    yield f"# Study {results.study}"
    yield ""
    if results.done < results.cells:
        yield f"Not finished: {results.done} of {results.cells} cells are finished."
        yield ""
    yield (
        f"{results.cells} cells drew {results.drawn['attempts']:,} attempts and {results.drawn['tokens']:,} tokens; "
        "what they share was drawn once."
    )
    if max((mean.seeds for mean in results.means), default=0) == 1 or all(d.seeds == 1 for d in results.differences):
        yield from ("", "There is only one seed, so no interval here covers the variation between runs.")
    for note in results.notes:
        yield from ("", f"Note: {note}.")


def _scores(results: Results) -> Iterator[str]:
    if not results.means:
        return
    yield from ("", "## Scores", "")
    yield "Mean over seeds and items in %, with the 95% interval for both drawn at random."
    yield ""
    stages = sorted({mean.stage for mean in results.means}, key=in_order)
    spreads = ["between seeds", *(["between trainings"] if _trainings(results) else [])]
    yield from _table(["arm", "task", "seeds", "items", *stages, *spreads], list(_rows(results, stages)))


def _trainings(results: Results) -> bool:
    return any(mean.between_trainings is not None for mean in results.means)


def _rows(results: Results, stages: Sequence[str]) -> Iterator[list[Any]]:
    """A row an arm and task: its score at each stage, and how much its last one varies."""
    found = {(mean.arm, mean.task, mean.stage): mean for mean in results.means}
    for arm, task in dict.fromkeys((mean.arm, mean.task) for mean in results.means):
        own = [found.get((arm, task, stage)) for stage in stages]
        last = [mean for mean in own if mean][-1]
        spreads = [last.between_seeds, *([last.between_trainings] if _trainings(results) else [])]
        scores = [_interval(mean.mean, mean.low, mean.high) if mean else "" for mean in own]
        yield [arm, task, last.seeds, last.items, *scores, *map(_percent, spreads)]


def _compared(results: Results) -> Iterator[str]:
    if not results.differences:
        return
    yield from ("", "## Differences", "")
    yield (
        "In pairs of seed and item, after the last training, with the 95% interval of each alone, and with those that hold for "
        f"all {len(results.differences)} at once (Bonferroni); p is corrected for as many comparisons (Holm)."
    )
    yield ""
    names = ["arm", "against", "task or measure", "seeds", "difference", "all at once", "p"]
    yield from _table(names, [_difference(d) for d in results.differences])


def _difference(d: Difference) -> list[Any]:
    """Of a task in points, of a measure as it is; without interval and p where no pair differs from another."""
    start = [d.arm, d.against, d.task, d.seeds]
    if d.low is None:
        return [*start, f"{_signed(d, d.difference)} (no spread to estimate an interval)", "", ""]
    number, low, high, low_of_all, high_of_all = (
        _signed(d, value) for value in (d.difference, d.low, d.high, d.low_of_all, d.high_of_all)
    )
    return [*start, f"{number} ({low} to {high})", f"{low_of_all} to {high_of_all}", f"{d.p_holm:.2g}"]


def _signed(d: Difference, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+,.4g}" if d.measure else f"{round(100 * value, 1) + 0:+.1f}"


def _trends(results: Results) -> Iterator[str]:
    if not results.trends:
        return
    yield from ("", "## Trends", "", "What a doubling adds, in points with a 95% interval for each line.", "")
    yield from _table(["factor", "with", "task", "per doubling"], [_trend(trend) for trend in results.trends])


def _trend(trend: Trend) -> list[Any]:
    with_ = ", ".join(f"{factor} {level}" for factor, level in trend.others.items())
    if trend.low is None or trend.high is None:
        return [trend.factor, with_, trend.task, f"{100 * trend.per_doubling:+.1f}"]
    return [trend.factor, with_, trend.task, _interval(trend.per_doubling, trend.low, trend.high, "+")]


def _costs(results: Results) -> Iterator[str]:
    yield from ("", "## Costs", "", "Means over an arm's cells, each as if it had been run alone.", "")
    names = list(dict.fromkeys(name for cost in results.costs for name in cost.means))
    yield from _table(
        ["arm", "cells", *(name.replace("_", " ") for name in names)],
        [[c.arm, c.cells, *(_number(c.means.get(name)) for name in names)] for c in results.costs],
    )
    if missing := [f"- {cost.arm}: {_missing(cost)}" for cost in results.costs if cost.missing]:
        yield from ("", "Cells without scores:", "", *missing)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _missing(cost: Cost) -> str:
    return "; ".join(f"{n}: {reason.partition(';')[0]}" for reason, n in cost.missing.items())


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(value: Any) -> str:
    """A value as a cell of Markdown: what others named is neither another cell nor HTML."""
    return inert(str(value)).replace("|", "/").replace("<", "&lt;")


def _interval(mean: float, low: float, high: float, sign: str = "") -> str:
    return f"{100 * mean:{sign}.1f} ({100 * low:{sign}.1f} to {100 * high:{sign}.1f})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"
