"""What a study file says: a base pipeline, arms that change it, seeds, and what is compared with what."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from difflib import get_close_matches
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from sparq_core.contract.config import LONGEST_NAME, NAME, Positive, Seed
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.messages import shown
from sparq_core.pipeline.file import apply_setting, read_mapping
from sparq_core.pipeline.settings import convert

Name = Annotated[str, Meta(pattern=NAME, max_length=LONGEST_NAME)]
Settings = dict[str, Any]
MOST_RUNS = 10_000
ADD, REMOVE = "plugins+", "plugins-"
"""The two keys of an arm that are no setting's path: entries put at the end of the cast, and plugins taken out of it."""

EXAMPLES = {ADD: "{use: bayes}", REMOVE: "duplicates"}
MEASURES = ("attempts", "tokens", "prompt_tokens", "children", "kept", "curated")
"""What every run can be compared by, beside the metrics of its last step."""


class Study(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A study file."""

    name: Annotated[Name, Meta(description="Names the study's folder.")]
    base: Annotated[str, Meta(description="The pipeline that every arm changes; a path relative to the study file.")]
    seeds: Annotated[Positive | list[Seed], Meta(description="Seeds of the runs, or how many: 5 is 1, 2, 3, 4, 5.")] = 5
    train_seeds: Annotated[
        Positive | list[Seed],
        Meta(description="Trainings of each run, by their seeds or how many: they share what the run generated."),
    ] = field(default_factory=list)
    settings: Annotated[Settings, Meta(description="Changes to the base that all arms have.")] = field(
        default_factory=dict, name="set"
    )
    arms: Annotated[dict[str, Settings], Meta(description="Arms by name, each with its changes to the base.")] = field(
        default_factory=dict
    )
    grid: Annotated[
        dict[str, dict[str, Settings]],
        Meta(
            description="Factors, each with its levels and their changes; every combination is an arm, `level/level`."
        ),
    ] = field(default_factory=dict)
    against: Annotated[
        tuple[str, ...],
        Meta(
            description="What arms are compared with: an arm, or a level, which means the arm that differs only in it; "
            "`base` is the model before any training."
        ),
    ] = ("base",)
    tasks: Annotated[tuple[str, ...], Meta(description="Benchmark tasks to compare; by default all.")] = ()
    measures: Annotated[
        tuple[str, ...],
        Meta(
            description="Other quantities of each run to compare: attempts, tokens, prompt_tokens, children, kept, curated, or "
            "a metric of the last step, e.g. unique_labels."
        ),
    ] = ()


class Arm(Struct, frozen=True):
    """One way to run the base pipeline."""

    name: str
    levels: Mapping[str, str]
    """The level of each factor of the grid; empty for an arm outside it."""
    changes: tuple[Settings, ...]


class Cell(Struct, frozen=True):
    """One run of a study."""

    arm: Arm
    seed: int
    train_seed: int | None = None

    @property
    def name(self) -> str:
        """Also its folder below `cells/`."""
        trained = "" if self.train_seed is None else f"-train-{self.train_seed}"
        return f"{self.arm.name}/seed-{self.seed}{trained}"

    def settings(self, study: Study, base: Mapping[str, Any], place: str) -> dict[str, Any]:
        """The base pipeline's settings with all changes of this cell made; `place` leads the message of an error."""
        data: dict[str, Any] = deepcopy(dict(base))
        _change(data, study.settings, f"{place}: set")
        for changes in self.arm.changes:
            _change(data, changes, f"{place}: {self.arm.name}")
        data |= {"name": f"{study.name}-{self.name.replace('/', '-')}", "seed": self.seed}
        if self.train_seed is not None:
            apply_setting(data, "train.seed", self.train_seed, f"{place}: train_seeds")
        return data


def load_study(path: Path) -> Study:
    """Read a study file; PipelineError for whatever is wrong with it."""
    study = convert(_as_written(read_mapping(path, "a study", "docs/how_to/study.md shows one")), Study, str(path))
    if not study.arms and not study.grid:
        raise PipelineError(f"{path}: arms: there is none; name at least one, or give a grid of factors")
    _check_size(study, path)
    arms = arms_of(study)
    _check_names(study, arms, path)
    _check_against(study, arms, path)
    _check_changes(study, arms, path)
    _check_measures(study, path)
    return study


def _as_written(data: dict[str, Any]) -> dict[str, Any]:
    """With what can only mean one thing in its form: names that YAML reads as numbers, one `against`, arms without changes."""

    def named(mapping: Any) -> Any:
        if not isinstance(mapping, dict):
            return mapping
        return {str(name): {} if value is None else value for name, value in mapping.items()}

    grid = named(data.get("grid", {}))
    data |= {"arms": named(data.get("arms", {}))}
    data |= {"grid": {factor: named(levels) for factor, levels in grid.items()} if isinstance(grid, dict) else grid}
    if isinstance(data.get("against"), str | int | float):
        data["against"] = [str(data["against"])]
    return data


def _check_size(study: Study, place: Path) -> None:
    """PipelineError for more runs than anybody waits for, before they are listed."""
    arms = len(study.arms) + (prod(map(len, study.grid.values())) if study.grid else 0)
    seeds, trainings = (n if isinstance(n, int) else len(n) for n in (study.seeds, study.train_seeds))
    if (runs := arms * seeds * max(1, trainings)) > MOST_RUNS:
        raise PipelineError(
            f"{place}: {arms:,} arms by {seeds:,} seeds{f' by {trainings:,} trainings' * bool(trainings)} are {runs:,} runs, "
            f"at most {MOST_RUNS:,} may be; split the study, or remove levels or seeds"
        )


def _check_names(study: Study, arms: Sequence[Arm], place: Path) -> None:
    levels = [level for levels in study.grid.values() for level in levels]
    names = ["base", *(arm.name for arm in arms), *(levels if len(study.grid) > 1 else ())]
    for name in (*levels, *study.arms):
        if not re.search(NAME, name) or len(name) > LONGEST_NAME:
            raise PipelineError(
                f"{place}: '{shown(name)}' is not a valid name; use at most {LONGEST_NAME} letters, digits and . _ -"
            )
    for name, count in Counter(names).items():
        if count > 1:
            raise PipelineError(f"{place}: the name '{name}' is used twice; rename one of them")


def _check_against(study: Study, arms: Sequence[Arm], place: Path) -> None:
    known = {"base", *(arm.name for arm in arms), *(level for levels in study.grid.values() for level in levels)}
    for name in study.against:
        if name not in known:
            raise PipelineError(f"{place}: against: no arm or level is named '{name}'; {nearest(name, known)}")


def _check_changes(study: Study, arms: Sequence[Arm], place: Path) -> None:
    """Nothing that the study itself sets, and no setting that two factors would fight over."""
    owned = {"seed", "name", *(["train.seed"] if study.train_seeds else [])}
    for where, changes in [("set", study.settings), *((arm.name, c) for arm in arms for c in arm.changes)]:
        if taken := owned & changes.keys():
            raise PipelineError(
                f"{place}: {where}: {min(taken)}: a study sets it itself; see `seeds` and `train_seeds`"
            )
    owner: dict[str, str] = {}
    for factor, levels in study.grid.items():
        for setting in {setting for changes in levels.values() for setting in changes}:
            if owner.setdefault(setting, factor) != factor and setting not in {ADD, REMOVE}:
                raise PipelineError(
                    f"{place}: grid: {owner[setting]} and {factor} both set {setting}; one of them would win"
                )


def _check_measures(study: Study, place: Path) -> None:
    """Metrics are known when there is a run; what is nearly the name of another measure is a slip."""
    for name in study.measures:
        if name not in MEASURES and get_close_matches(name, MEASURES, cutoff=0.8):
            raise PipelineError(f"{place}: measures: there is no '{name}'; {nearest(name, MEASURES)}")


def arms_of(study: Study) -> list[Arm]:
    """All arms: those of the grid, the last factor running fastest, then the others in the file's order."""
    factors = list(study.grid)
    combined = product(*(levels.items() for levels in study.grid.values())) if factors else ()
    grid = [
        Arm(
            "/".join(level for level, _ in combination),
            dict(zip(factors, (level for level, _ in combination), strict=True)),
            tuple(changes for _, changes in combination),
        )
        for combination in combined
    ]
    return [*grid, *(Arm(name, {}, (changes,)) for name, changes in study.arms.items())]


def cells_of(study: Study) -> list[Cell]:
    """All cells, seed by seed within each arm."""
    trainings: Sequence[int | None] = _numbers(study.train_seeds) or [None]
    return [
        Cell(arm, seed, training) for arm in arms_of(study) for seed in _numbers(study.seeds) for training in trainings
    ]


def reference_of(arm: Arm, against: str, arms: Sequence[Arm]) -> Arm | None:
    """The arm that `arm` is compared with under a name of `against`; None where that is itself or there is none such."""
    named = {other.name: other for other in arms}
    if against in named:
        return named[against] if against != arm.name else None
    factor = next((factor for other in arms for factor, level in other.levels.items() if level == against), "")
    if arm.levels.get(factor, against) == against:
        return None
    return named.get("/".join({**arm.levels, factor: against}.values()))


def _numbers(given: int | list[int]) -> list[int]:
    return list(range(1, given + 1)) if isinstance(given, int) else given


def _change(data: dict[str, Any], changes: Settings, place: str) -> None:
    for path, value in changes.items():
        if path in EXAMPLES and not isinstance(value, list):
            raise PipelineError(f"{place}: {path}: it takes a list, e.g. {path}: [{EXAMPLES[path]}]")
        if not isinstance(plugins := data.get("plugins", []), list):
            raise PipelineError(f"{place}: plugins: it takes a list, e.g. plugins: [{EXAMPLES[ADD]}]")
        if path == ADD:
            data["plugins"] = [*plugins, *deepcopy(value)]
        elif path == REMOVE:
            data["plugins"] = _without(plugins, value, place)
        else:
            apply_setting(data, path, deepcopy(value), f"{place}: {path}")


def _without(plugins: list[Any], names: list[Any], place: str) -> list[Any]:
    uses = [entry.get("use") if isinstance(entry, dict) else None for entry in plugins]
    for name in names:
        if name not in uses:
            raise PipelineError(f"{place}: {REMOVE}: no plugin '{name}' here; {nearest(str(name), map(str, uses))}")
    return [entry for entry, use in zip(plugins, uses, strict=True) if use not in names]
