"""How runs differ from the first of them, with intervals where there is something to tell them by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from sparq_core.contract import changes
from sparq_core.contract.changes import Change
from sparq_core.contract.tally import Tally
from sparq_core.ledger import intervals, overview, spread
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.reader import Reader


class Measured(Protocol):
    """What of a run is held against others."""

    @property
    def tally(self) -> Tally: ...

    @property
    def mean_solve_rate(self) -> spread.Mean: ...

    @property
    def values(self) -> dict[str, dict[str, float]]: ...


class Figures(NamedTuple):
    """Of a run just what is held against others."""

    tally: Tally
    mean_solve_rate: spread.Mean
    values: dict[str, dict[str, float]]
    """The last benchmarked model's value of each item of each task."""


def figures(ledger: Reader) -> Figures:
    """Those of a run."""
    return Figures(ledger.tally(), spread.mean_solve_rate(ledger), overview.last_scores(ledger))


def settings(ledger: Reader) -> dict[str, Any]:
    """All settings with their defaults, as far as they are recorded; plugins and models by their names."""
    run = ledger.run()
    pipeline = msgspec.json.decode(run.pipeline, type=dict[str, Any])
    empty: dict[str, Any] = {"models": {}, "plugins": {}, "roles": {}}
    identity = empty | msgspec.json.decode(run.identity or "{}", type=dict[str, Any])
    models = {name: model | identity["models"].get(name, {}) for name, model in pipeline["models"].items()}
    plugins = {plugin["use"]: {"with": plugin["with"]} for plugin in pipeline["plugins"]} | identity["plugins"]
    for name, version in spread.cast(ledger).items():
        plugins[name] = plugins.get(name, {}) | {"from": version}
    return pipeline | {"roles": identity["roles"], "models": models, "plugins": plugins}


class Difference(NamedTuple):
    """A measure of every run, and how far each of the others is from the first."""

    measure: str
    found: list[Interval | None]
    apart: list[Interval | None]


def differences(runs: Sequence[Measured]) -> list[Difference]:
    """Shares of the children, the mean solve rate, and the last models on each task that two runs have in common."""
    return [_independent(measure, [of(run) for run in runs]) for measure, of in MEASURES.items()] + list(_tasks(runs))


class Setting(NamedTuple):
    """A setting that is not the same in all runs, with each run's value as text; a dash where a run has none."""

    name: str
    values: list[str]


def changed(runs: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """The settings of several runs that differ from those of the first, each with the values of all runs."""
    first, *others = runs
    found = [{change.setting: change for change in changes.differences(first, other)} for other in others]
    names = sorted({name for of_run in found for name in of_run})
    return [Setting(name, [_as_text(value) for value in _values(name, found)]) for name in names]


def _values(name: str, found: Sequence[Mapping[str, Change]]) -> list[Any]:
    before = next(of_run[name].before for of_run in found if name in of_run)
    return [before, *(of_run[name].after if name in of_run else before for of_run in found)]


def _as_text(value: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _kept(run: Measured) -> Interval | None:
    return _share(run.tally.outcomes.get("kept", 0), run.tally.children)


def _rejected(run: Measured) -> Interval | None:
    return _share(run.tally.outcomes.get("rejected", 0), run.tally.children)


def _share(count: int, of: int) -> Interval | None:
    return intervals.share(count, of) if of else None


def _solve_rate(run: Measured) -> Interval | None:
    found = run.mean_solve_rate
    return intervals.mean(found.mean, found.variance, found.children) if found.children else None


MEASURES: dict[str, Callable[[Measured], Interval | None]] = {
    "children kept": _kept,
    "children rejected": _rejected,
    "mean solve rate": _solve_rate,
}


def _independent(measure: str, found: list[Interval | None]) -> Difference:
    first = found[0]
    apart = [intervals.difference(first, other) if first and other else None for other in found[1:]]
    return Difference(measure, found, apart)


def _tasks(runs: Sequence[Measured]) -> Iterator[Difference]:
    for task in dict.fromkeys(task for run in runs for task in run.values):
        of_task = [run.values.get(task, {}) for run in runs]
        found = [intervals.proportion(list(values.values())) if values else None for values in of_task]
        yield Difference(task, found, [_paired(of_task[0], values) for values in of_task[1:]])


def _paired(first: dict[str, float], other: dict[str, float]) -> Interval | None:
    """Item by item; None where there are not two items that both runs were asked."""
    both = [item for item in first if item in other]
    return intervals.mean_difference(*([v[i] for i in both] for v in (first, other))) if len(both) > 1 else None
