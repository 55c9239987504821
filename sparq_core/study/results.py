"""What the cells of a study measured, and what their differences come to."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from math import log2
from pathlib import Path
from statistics import fmean, stdev

from msgspec import Struct

from sparq_core.contract.errors import nearest
from sparq_core.ledger.intervals import proportion
from sparq_core.study.design import Arm, Cell, Study, arms_of, reference_of
from sparq_core.study.ended import BASE, Ended, Items, ended
from sparq_core.study.folders import Folders
from sparq_core.study.plan import Plan
from sparq_core.study.statistics import Estimate, Matrix, crossed, holm, slopes

UNKNOWN = (None, None)
"""The interval of what does not vary as far as one can see."""


class Measured(Struct, frozen=True):
    """A cell that is through."""

    cell: Cell
    run: Ended


class Cost(Struct, frozen=True):
    """What an arm took and gave: means over its cells, each as if it had been run alone."""

    arm: str
    cells: int
    missing: dict[str, int]
    """Cells without scores, by the reason."""
    means: dict[str, float]
    """Attempts, tokens, children and so on, and the metrics of the last step."""


class Mean(Struct, frozen=True):
    """An arm's score in a task at a stage: `base`, after training on the `seeds`, after `round 1` and so on."""

    arm: str
    task: str
    stage: str
    seeds: int
    items: int
    mean: float
    low: float
    high: float
    """Within 0 and 1 where all scores are; Wilson's interval of the items where no score differs from another."""
    between_seeds: float | None
    """Standard deviation of the seeds' means; None with one seed."""
    between_trainings: float | None
    """Standard deviation of the means of trainings on the same data, within seeds; None with one training a seed."""


class Difference(Struct, frozen=True):
    """An arm against another, in pairs of seed and item, after the last round of each; of a measure, in pairs of seeds."""

    arm: str
    against: str
    task: str
    """Or the name of a measure."""
    measure: bool
    seeds: int
    items: int
    difference: float
    low: float | None
    high: float | None
    """The 95% interval of this difference alone; None where no pair differs from another, or there is only one."""
    low_of_all: float | None
    high_of_all: float | None
    """The interval that holds together with those of all other differences of the study with 95%."""
    p: float
    p_holm: float
    """Corrected for all comparisons of the study."""


class Trend(Struct, frozen=True):
    """How much a doubling of a factor whose levels are numbers adds, the other factors fixed."""

    factor: str
    others: dict[str, str]
    task: str
    per_doubling: float
    low: float | None
    high: float | None


class Results(Struct, frozen=True):
    """A study's table."""

    study: str
    done: int
    cells: int
    costs: list[Cost]
    means: list[Mean]
    differences: list[Difference]
    trends: list[Trend]
    drawn: dict[str, int]
    """What the study sampled in all: what cells share is counted once."""
    notes: list[str]
    """What was asked for and is in no run."""


def results_of(plan: Plan, folder: Path) -> Results:
    """The table of what is done so far."""
    folders = Folders(plan, folder)
    cells = [Measured(planned.cell, run) for planned in plan.cells if (run := ended(folders.cell(planned)))]
    by_arm = {name: list(group) for name, group in groupby(cells, key=lambda m: m.cell.arm.name)}
    arms = arms_of(plan.study)
    tasks = plan.study.tasks or tuple(
        dict.fromkeys(t for m in cells for scores in m.run.scores.values() for t in scores)
    )
    notes = [
        *_unknown("measures", plan.study.measures, {name for m in cells for name in m.run.quantities}),
        *_unknown(
            "tasks", plan.study.tasks, {task for m in cells for scores in m.run.scores.values() for task in scores}
        ),
    ]
    return Results(
        study=plan.study.name,
        done=len(cells),
        cells=len(plan.cells),
        costs=[_cost(name, group) for name, group in by_arm.items()],
        means=[m for group in by_arm.values() for task in tasks for m in _means(group, task)],
        differences=_corrected(
            [*_differences(plan.study, arms, by_arm, tasks), *_measures(plan.study, arms, by_arm)],
        ),
        trends=list(_trends(plan.study, arms, by_arm, tasks)),
        drawn=folders.drawn(),
        notes=notes,
    )


def _unknown(setting: str, given: Sequence[str], known: Collection[str]) -> Iterator[str]:
    for name in given if known else ():
        if name not in known:
            yield f"{setting}: no run has '{name}'; {nearest(name, known)}"


def in_order(stage: str) -> tuple[int, int]:
    """Where a stage stands among others."""
    number = stage.removeprefix("round ")
    return ([BASE, "seeds"].index(stage), 0) if stage in {BASE, "seeds"} else (2, int(number))


def _cost(arm: str, cells: Sequence[Measured]) -> Cost:
    every = [measured.run.quantities for measured in cells]
    names = dict.fromkeys(name for quantities in every for name in quantities)
    return Cost(
        arm=arm,
        cells=len(cells),
        missing=dict(Counter(m.run.reason for m in cells if m.run.exit_code == 1)),
        means={name: fmean(quantities[name] for quantities in every if name in quantities) for name in names},
    )


Rows = dict[tuple[int, int | None], Items]
"""Scores of one arm, task and round, by the seeds of the run and of its training."""


def _rows(cells: Sequence[Measured], task: str, stage: str | None = None) -> Rows:
    """Of a stage, or of each cell's last after the base; cells without scores have none."""
    found = {}
    for measured in cells:
        scores = measured.run.scores.get(stage or measured.run.last, {})
        if task in scores and (stage or measured.run.last != BASE):
            found[measured.cell.seed, measured.cell.train_seed] = scores[task]
    return found


def _matrix(rows: Rows) -> tuple[list[list[float]], list[str]]:
    """
    A row a seed, the mean of its trainings, and the items that all of them have; with a single seed, a row a training.

    Trainings on the same data are not independent of one another, so they count as one where there are several seeds.
    """
    items = [item for item in next(iter(rows.values())) if all(item in row for row in rows.values())]
    seeds = dict.fromkeys(seed for seed, _ in rows)
    groups = [[row for (s, _), row in rows.items() if s == seed] for seed in seeds]
    units = groups if len(groups) > 1 else [[row] for row in groups[0]]
    return [[fmean(row[item] for row in unit) for item in items] for unit in units], items


def _means(cells: Sequence[Measured], task: str) -> Iterator[Mean]:
    for stage in sorted({s for measured in cells for s in measured.run.scores}, key=in_order):
        if not (rows := _rows(cells, task, stage)):
            continue
        matrix, items = _matrix(rows)
        low, high = _bounds(matrix, estimate := crossed(matrix))
        own = {key: fmean(row[item] for item in items) for key, row in rows.items()}
        seeds = {seed: [value for (s, _), value in own.items() if s == seed] for seed, _ in own}
        several = [stdev(values) for values in seeds.values() if len(values) > 1]
        yield Mean(
            arm=cells[0].cell.arm.name,
            task=task,
            stage=stage,
            seeds=len(seeds),
            items=len(items),
            mean=estimate.mean,
            low=low,
            high=high,
            between_seeds=stdev(map(fmean, seeds.values())) if len(seeds) > 1 else None,
            between_trainings=fmean(several) if several else None,
        )


def _bounds(matrix: Matrix, estimate: Estimate) -> tuple[float, float]:
    items = [fmean(column) for column in zip(*matrix, strict=True)]
    shares = all(0 <= value <= 1 for row in matrix for value in row)
    if (interval := estimate.interval()) is None:
        wilson = proportion(items) if shares else None
        return (min(estimate.mean, wilson.low), max(estimate.mean, wilson.high)) if wilson else (estimate.mean,) * 2
    low, high = interval
    return (max(0.0, low), min(1.0, high)) if shares else (low, high)


class Pair(Struct, frozen=True):
    """Two arms to be compared in a task: the differences by unit and item."""

    arm: str
    against: str
    task: str
    measure: bool
    seeds: int
    values: Matrix


def _differences(
    study: Study, arms: Sequence[Arm], by_arm: Mapping[str, Sequence[Measured]], tasks: Sequence[str]
) -> Iterator[Pair]:
    for against in study.against:
        for arm in arms:
            name, other = _other(arm, against, arms, by_arm)
            for task in tasks:
                before = _rows(other, task, BASE if against == BASE else None)
                yield from _paired(arm.name, name, task, _rows(by_arm.get(arm.name, ()), task), before)


def _measures(study: Study, arms: Sequence[Arm], by_arm: Mapping[str, Sequence[Measured]]) -> Iterator[Pair]:
    for against in study.against:
        for arm in arms if against != BASE else ():
            name, other = _other(arm, against, arms, by_arm)
            for measure in study.measures:
                rows, before = (_quantity(cells, measure) for cells in (by_arm.get(arm.name, ()), other))
                yield from _paired(arm.name, name, measure, rows, before, measure=True)


def _other(
    arm: Arm, against: str, arms: Sequence[Arm], by_arm: Mapping[str, Sequence[Measured]]
) -> tuple[str, Sequence[Measured]]:
    """The name of what an arm is compared with, and its cells: those of the arm itself, before training, where it is `base`."""
    if against == BASE:
        return BASE, by_arm.get(arm.name, ())
    other = reference_of(arm, against, arms)
    return (other.name, by_arm.get(other.name, ())) if other else ("", ())


def _quantity(cells: Sequence[Measured], measure: str) -> Rows:
    return {
        (m.cell.seed, m.cell.train_seed): {"run": m.run.quantities[measure]}
        for m in cells
        if measure in m.run.quantities
    }


def _paired(arm: str, against: str, task: str, rows: Rows, before: Rows, *, measure: bool = False) -> Iterator[Pair]:
    """One pair, where any seed has both."""
    if both := [key for key in rows if key in before]:
        values, _ = _matrix({key: _minus(rows[key], before[key]) for key in both})
        yield Pair(arm, against, task, measure, len({seed for seed, _ in both}), values)


def _minus(after: Items, before: Items) -> dict[str, float]:
    return {item: value - before[item] for item, value in after.items() if item in before}


def _corrected(pairs: Sequence[Pair]) -> list[Difference]:
    estimates = [crossed(pair.values) for pair in pairs]
    ps = [estimate.p for estimate in estimates]
    return [
        Difference(
            arm=pair.arm,
            against=pair.against,
            task=pair.task,
            measure=pair.measure,
            seeds=pair.seeds,
            items=len(pair.values[0]),
            difference=estimate.mean,
            low=(alone := estimate.interval() or UNKNOWN)[0],
            high=alone[1],
            low_of_all=(together := estimate.interval(len(pairs)) or UNKNOWN)[0],
            high_of_all=together[1],
            p=p,
            p_holm=corrected,
        )
        for pair, estimate, p, corrected in zip(pairs, estimates, ps, holm(ps), strict=True)
    ]


def _trends(
    study: Study, arms: Sequence[Arm], by_arm: Mapping[str, Sequence[Measured]], tasks: Sequence[str]
) -> Iterator[Trend]:
    for factor in numeric_factors(study):
        for others, line in lines_of(arms, factor):
            for task in tasks:
                rows = {x: found for x, arm in line if (found := _rows(by_arm.get(arm.name, ()), task))}
                if len(rows) > 2 and (alike := _alike(rows)):
                    estimate = crossed(slopes([log2(x) for x in rows], alike))
                    yield Trend(factor, others, task, estimate.mean, *(estimate.interval() or UNKNOWN))


def _alike(rows: Mapping[float, Rows]) -> list[Matrix]:
    """A matrix for each level of a factor, of the seeds and items that all of them have; none where there are none."""
    keys = [key for key in next(iter(rows.values())) if all(key in found for found in rows.values())]
    every = [found[key] for found in rows.values() for key in keys]
    items = [item for item in every[0] if all(item in row for row in every)] if every else []
    if not items:
        return []
    return [_matrix({key: {item: found[key][item] for item in items} for key in keys})[0] for found in rows.values()]


def numeric_factors(study: Study) -> list[str]:
    """Factors of the grid whose levels are all positive numbers."""
    return [factor for factor, levels in study.grid.items() if all(_number(level) > 0 for level in levels)]


def lines_of(arms: Sequence[Arm], factor: str) -> list[tuple[dict[str, str], list[tuple[float, Arm]]]]:
    """Arms that differ in a numeric factor alone, by number; with the levels of the others."""
    lines: dict[tuple[tuple[str, str], ...], list[tuple[float, Arm]]] = {}
    for arm in arms:
        if factor in arm.levels:
            others = tuple((name, level) for name, level in arm.levels.items() if name != factor)
            lines.setdefault(others, []).append((_number(arm.levels[factor]), arm))
    return [(dict(others), sorted(line, key=lambda at: at[0])) for others, line in lines.items()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
