"""The page: one HTML file that loads nothing and runs nothing, whatever the texts in it say."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sparq_core.contract.niches import Axis, Niche
from sparq_core.contract.records import Judged
from sparq_core.contract.wording import funnel, money, reason_of, times
from sparq_core.ledger.afresh import Filled
from sparq_core.ledger.diversity import diversity_of
from sparq_core.ledger.intervals import share
from sparq_core.ledger.spread import Label
from sparq_core.report import curves, numbers
from sparq_core.report.alarms import alarms
from sparq_core.report.differences import changed, differences
from sparq_core.report.facts import Facts
from sparq_core.report.figures.bars import bar, interval
from sparq_core.report.figures.histogram import histogram
from sparq_core.report.figures.treemap import Field, treemap
from sparq_core.report.markup import breakable, shown

START = '<!doctype html>\n<html lang="en" data-made-by="sparq report">\n'
"""What every report begins with, so that an earlier one is known."""
MOST_FIELDS = 40
"""Niches of a map that are fields of their own."""
ENOUGH = 10
"""Children of a label from which on its solve rate says something."""
MOST_MAPS = 2
"""Axes of an archive that are shown."""


def page(runs: Sequence[Facts]) -> str:
    """The report of these runs; the same runs, the same text."""
    style = Markup(style_sheet())  # noqa: S704 -- a file of ours
    return (
        environment("sparq_core.report")
        .get_template("report.html")
        .render(
            start=Markup(START),  # noqa: S704 -- ours
            style=style,
            style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            **figures(runs),
        )
    )


def figures(runs: Sequence[Facts]) -> dict[str, Any]:
    """What the template of all figures, `figures.html`, takes."""
    return {
        "runs": runs,
        "many": len(runs) > 1,
        "alarmed": sum(len(alarms(run)) for run in runs),
        "differences": differences(runs) if len(runs) > 1 else [],
        "changed": changed([run.settings for run in runs]),
        "qualities": _qualities(runs),
        "most_solved": max(_tallest(run) for run in runs),
        "archive_curves": curves.of_the_archive(runs),
        "duplicate_curves": curves.of_duplicates(runs),
        "cost_curves": curves.of_the_cost(runs),
    }


@cache
def environment(*packages: str) -> Environment:
    """Templates of these packages, the first that has one; whatever is put into them is made inert and escaped."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(
        alarms=alarms, bar=bar, cells=_cells, duplicates=curves.duplicates, enough=ENOUGH, exp=exp, extremes=extremes,
        folded=folded, funnel=funnel, histogram=histogram, interval=interval, maps=maps, reason_of=reason_of, share=share,
        treemap=treemap, without_niche=without_niche,
    )  # fmt: skip
    environment.filters.update(
        count=numbers.count, compact=numbers.compact, duration=numbers.duration, money=money, percent=numbers.percent,
        points=numbers.points,
        times=times, within=numbers.interval, upto=shown, breakable=breakable, named=_named,
    )  # fmt: skip
    return environment


def style_sheet() -> str:
    """The report's own style, which pages with its figures share."""
    return files("sparq_core.report").joinpath("templates", "style.css").read_text(encoding="utf-8")


def _tallest(run: Facts) -> int:
    """How many problems the highest bar of a run's histogram has."""
    bars: Counter[int] = Counter()
    for one in run.solve_rates:
        bars[one.place] += one.children
    return max(bars.values(), default=0)


def _qualities(runs: Sequence[Facts]) -> tuple[float, float]:
    """The lowest and the highest quality of a niche's best problem, so that all maps of a page share their colours."""
    found = [filled.best for run in runs for _, niches in run.niches.values() for filled in niches.values()]
    return min(found, default=0.0), max(found, default=0.0)


def _named(name: str, most: int) -> str:
    """A name that stands for its row; one that nobody would see is put in quotes."""
    text = str(shown(name, most))
    return text if text.strip() else f"“{text}”"


def _cells(run: Facts) -> list[tuple[str, str]]:
    """The plugins of each distribution and version, the distributions in the order of their names."""
    found: dict[str, list[str]] = {}
    for plugin, distribution in sorted(run.cast.items(), key=lambda item: (item[1], item[0])):
        found.setdefault(distribution, []).append(plugin)
    return [(distribution, ", ".join(plugins)) for distribution, plugins in found.items()]


def maps(run: Facts) -> list[dict[str, Any]]:
    """A map for each axis of a run's archive: its fields, and what they add up to."""
    return [_map(key, axis, niches) for key, (axis, niches) in list(run.niches.items())[:MOST_MAPS] if niches]


def _map(key: str, axis: Axis, niches: Mapping[Niche, Filled]) -> dict[str, Any]:
    ranked = sorted(niches.items(), key=lambda item: (-item[1].problems, item[0]))
    fields = [Field(names(axis, niche), filled.problems, filled.best) for niche, filled in ranked[:MOST_FIELDS]]
    rest = [filled for _, filled in ranked[MOST_FIELDS:]]
    others = sum(filled.problems for filled in rest)
    drawn = [*fields, Field((f"{len(rest):,} more niches",), others, None)] if rest else fields
    return {"key": key, "max": axis.max, "fields": fields, "drawn": drawn, "others": len(rest), **diversity_of(niches)}


def names(axis: Axis, niche: Niche) -> tuple[str, ...]:
    """A niche of one axis in words: its labels, or from where to where its numbers reach."""
    (cell,) = niche
    if isinstance(cell, tuple):
        return tuple(label or "“”" for label in cell) or ("no known label",)
    if axis.bins is None or cell < 0:
        return ("not known",)
    size = (axis.high - axis.low) / axis.bins
    return (f"{axis.low + cell * size:g} to {axis.low + (cell + 1) * size:g}",)


def without_niche(run: Facts, key: str, labels: Sequence[Label]) -> list[str]:
    """Those of a descriptor's labels that make no niche."""
    counting = run.counting.get(key, frozenset())
    return [] if counting is None else [label.name for label in labels if label.name not in counting]


def extremes(labels: Sequence[Label]) -> tuple[Label, Label] | None:
    """The labels with the lowest and the highest solve rate, of those with enough children; None where these are not two."""
    rated = sorted(
        (label for label in labels if label.solve_rate is not None and label.children >= ENOUGH),
        key=lambda label: (label.solve_rate, label.name),
    )
    return (rated[0], rated[-1]) if len(rated) > 1 else None


def folded(judged: Sequence[Judged]) -> list[list[Judged]]:
    """Attempts by the answer and the verdict that they came to, the most frequent first."""
    same: dict[tuple[str, str | None], list[Judged]] = {}
    for one in judged:
        same.setdefault((one.verdict.value, one.verdict.answer), []).append(one)
    return sorted(same.values(), key=lambda group: -len(group))
