"""What a study file says: a base pipeline, arms that change it, seeds, and what is compared with what."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from sparq_core.contract.config import NonNegative, Positive
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.pipeline.file import apply_setting, read_mapping
from sparq_core.pipeline.settings import convert

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Settings = dict[str, Any]
ADD, REMOVE = "plugins+", "plugins-"
"""The two keys of an arm that are no setting's path: entries put at the end of the cast, and plugins taken out of it."""


class Study(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A study file."""

    name: Annotated[Name, Meta(description="Names the study's folder.")]
    base: Annotated[str, Meta(description="The pipeline that every arm changes; a path relative to the study file.")]
    seeds: Annotated[
        Positive | list[NonNegative], Meta(description="Seeds of the runs, or how many: 5 is 1, 2, 3, 4, 5.")
    ] = 5
    train_seeds: Annotated[
        Positive | list[NonNegative],
        Meta(description="Trainings of each run, by their seeds or how many: they share what the run generated."),
    ] = field(default_factory=list)
    settings: Annotated[Settings, Meta(description="Changes to the base that all arms have.")] = field(
        default_factory=dict, name="set"
    )
    arms: Annotated[dict[Name, Settings], Meta(description="Arms by name, each with its changes to the base.")] = field(
        default_factory=dict
    )
    grid: Annotated[
        dict[Name, dict[Name, Settings]],
        Meta(
            description="Factors, each with its levels and their changes; every combination is an arm, `level/level`."
        ),
    ] = field(default_factory=dict)
    against: Annotated[
        tuple[str, ...],
        Meta(
            description="What arms are compared with: an arm, or a level, which stands for the arm that differs in this alone; "
            "`base` is the model before any training."
        ),
    ] = ("base",)
    tasks: Annotated[tuple[str, ...], Meta(description="Benchmark tasks to compare; by default all.")] = ()
    measures: Annotated[
        tuple[str, ...],
        Meta(
            description="What else of each run to compare: attempts, tokens, prompt_tokens, children, kept, curated, or a "
            "metric of the last step, e.g. unique_labels."
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
        for changes in (study.settings, *self.arm.changes):
            _change(data, changes, place)
        data |= {"name": f"{study.name}-{self.name.replace('/', '-')}", "seed": self.seed}
        if self.train_seed is not None:
            data["train"] = {**data.get("train", {}), "seed": self.train_seed}
        return data


def load_study(path: Path) -> Study:
    """Read a study file; PipelineError for whatever is wrong with it."""
    study = convert(read_mapping(path, "a study", "docs/how_to/study.md shows one"), Study, str(path))
    if not study.arms and not study.grid:
        raise PipelineError(f"{path}: arms: there is none; name at least one, or give a grid of factors")
    names = [arm.name for arm in arms_of(study)]
    for name in study.against:
        known = {"base", *names, *_levels(study)}
        if name not in known:
            raise PipelineError(f"{path}: against: no arm or level is named '{name}'; {nearest(name, known)}")
    doubled = [name for name in ("base", *_levels(study)) if name in names or [*_levels(study)].count(name) > 1]
    if doubled:
        raise PipelineError(f"{path}: the name '{doubled[0]}' stands for two things; give one of them another")
    return study


def _levels(study: Study) -> Iterator[str]:
    return (level for levels in study.grid.values() for level in levels if len(study.grid) > 1)


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
        if path in {ADD, REMOVE}:
            if not isinstance(value, list):
                raise PipelineError(f"{place}: {path}: it takes a list, e.g. {path}: [{_EXAMPLES[path]}]")
            data["plugins"] = _ADDED_OR_REMOVED[path](data.get("plugins", []), value, place)
        else:
            apply_setting(data, path, deepcopy(value), f"{place}: {path}")


def _added(plugins: list[Any], entries: list[Any], place: str) -> list[Any]:  # noqa: ARG001 -- as its sibling
    return [*plugins, *deepcopy(entries)]


def _removed(plugins: list[Any], names: list[Any], place: str) -> list[Any]:
    uses = [entry.get("use") if isinstance(entry, dict) else None for entry in plugins]
    for name in names:
        if name not in uses:
            raise PipelineError(f"{place}: {REMOVE}: no plugin '{name}' here; {nearest(str(name), map(str, uses))}")
    return [entry for entry, use in zip(plugins, uses, strict=True) if use not in names]


_EXAMPLES = {ADD: "{use: bayes}", REMOVE: "duplicates"}
_ADDED_OR_REMOVED = {ADD: _added, REMOVE: _removed}
