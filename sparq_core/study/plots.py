"""A study's pictures: a file a task, arms as points with their intervals, or lines over a factor whose levels are numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sparq_core.contract.texts import inert, shortened
from sparq_core.ledger.files import whole
from sparq_core.study.design import Study, arms_of
from sparq_core.study.ended import BASE
from sparq_core.study.results import Mean, Results, lines_of, numeric_factors

INCH_AN_ARM, WIDTH = 0.32, 7.0
LONGEST_NAME = 100
"""Characters of a name, in pictures and of their files."""
LOOK = {
    "svg.hashsalt": "sparq",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,  # a dollar in the name of an arm or a task is one
}


def write(study: Study, results: Results, folder: Path) -> list[Path]:
    """Write `TASK.svg` for every task with scores; the same results give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    written = []
    with mpl.rc_context(LOOK):
        for task in dict.fromkeys(mean.task for mean in results.means):
            figure = _figure(study, [mean for mean in results.means if mean.task == task])
            path = folder / f"{_safe(task)}.svg"
            with whole(path) as partial:
                figure.savefig(partial, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
            plt.close(figure)
            written.append(path)
    return written


def _safe(task: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in task[:LONGEST_NAME])


def _shown(name: str) -> str:
    return inert(shortened(name, LONGEST_NAME))


def _figure(study: Study, means: Sequence[Mean]) -> Any:
    last: dict[str, Mean] = {mean.arm: mean for mean in means if mean.stage != BASE}
    base = next((mean for mean in means if mean.stage == BASE), None)
    factor = next(iter(numeric_factors(study)), None)
    several = factor is not None and len(study.grid[factor]) > 1
    figure = _lines(study, factor, last, base) if factor and several else _points(last, base)
    figure.axes[0].set_title(_shown(means[0].task), loc="left")
    return figure


def _points(last: Mapping[str, Mean], base: Mean | None) -> Any:
    """Arms one below the other, in the order of the file."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(WIDTH, 1 + INCH_AN_ARM * (len(last) + 1)))
    for row, mean in enumerate(last.values()):
        axes.errorbar(100 * mean.mean, row, xerr=_bars([mean]), fmt="o", color="tab:blue", capsize=3)
    axes.set_yticks(range(len(last)), list(map(_shown, last)))
    axes.set_ylim(len(last) - 0.5, -0.5)
    axes.set_xlabel("score, %, with 95% intervals")
    if base:
        axes.axvline(100 * base.mean, color="grey", linestyle=":", label="before training")
        axes.legend(frameon=False, loc="best")
    return figure


def _lines(study: Study, factor: str, last: Mapping[str, Mean], base: Mean | None) -> Any:
    """A line for each combination of the other factors' levels, over a doubling scale."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(WIDTH, 4))
    for others, line in lines_of(arms_of(study), factor):
        points = [(x, last[arm.name]) for x, arm in line if arm.name in last]
        if points:
            xs, means = zip(*points, strict=True)
            label = ", ".join(others.values()) or factor
            axes.errorbar(
                xs, [100 * mean.mean for mean in means], yerr=_bars(means), marker="o", capsize=3, label=label
            )
    axes.set_xscale("log", base=2)
    levels = sorted(map(float, study.grid[factor]))
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.set_xlabel(factor)
    axes.set_ylabel("score, %, with 95% intervals")
    if base:
        axes.axhline(100 * base.mean, color="grey", linestyle=":", label="before training")
    axes.legend(frameon=False, loc="best")
    return figure


def _bars(means: Sequence[Mean]) -> list[list[float]]:
    """How far intervals reach below and above, as matplotlib takes them."""
    return [[100 * (mean.mean - mean.low) for mean in means], [100 * (mean.high - mean.mean) for mean in means]]
