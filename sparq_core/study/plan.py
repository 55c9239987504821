"""The cells of a study made ready, and the pools they share: what is sampled once for many of them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import absolute
from sparq_core.contract.messages import shown
from sparq_core.contract.records import Finding
from sparq_core.pipeline.file import pipeline_of, read_mapping
from sparq_core.pipeline.identity import deciding, identity_of, phase_config, settings_of
from sparq_core.pipeline.prepare import Prepared, fitted, with_digests
from sparq_core.study.design import MEASURES, Cell, Study, cells_of, load_study


class Pool(Struct, frozen=True):
    """The seeds and the first round's steps, generated once for all cells that begin with them."""

    name: str
    """Also its folder below `pools/`."""
    steps: int
    prepared: Prepared
    """A cell's: up to the end of the first round's steps they are all alike."""
    start: str | None
    """The pool of fewer steps that it goes on from."""


class Planned(Struct, frozen=True):
    """A cell with its pipeline and cast."""

    cell: Cell
    prepared: Prepared
    family: str
    """Names what generation depends on, but for how many steps: the longer pools of a family go on from the shorter."""
    base: str | None
    """Names what the benchmark of its model before training depends on; None where nothing is benchmarked."""
    way: str
    """Names all that its scores and counters depend on."""

    @property
    def pipeline(self) -> Pipeline:
        return self.prepared.run.pipeline

    @property
    def steps(self) -> int:
        """How many steps of the first round it has."""
        return self.pipeline.steps if self.pipeline.rounds else 0

    @property
    def pool(self) -> str:
        """The name of the pool it begins with."""
        return f"seed-{self.pipeline.seed}-{self.family}-steps-{self.steps}"


class Plan(Struct, frozen=True):
    """All that a study runs: pools in an order in which each finds the one it starts from, then cells by arm and seed."""

    study: Study
    pools: tuple[Pool, ...]
    cells: tuple[Planned, ...]
    findings: tuple[Finding, ...]
    """What plugins warn of or find wrong with this machine."""


def plan(path: Path) -> Plan:
    """
    Make a study file's cells ready, spending nothing; PipelineError for whatever is wrong with their settings.

    What plugins find wrong with this machine, a missing package above all, is among the findings, errors included.
    """
    study = load_study(path)
    file = path.parent / study.base
    base = read_mapping(file, "a pipeline", f"`base` of {shown(path)} names it")
    cells = [_prepare(cell, study, base, file, path) for cell in cells_of(study)]
    one_an_arm = {planned.cell.arm.name: planned for planned in reversed(cells)}
    _check_benchmarked(study, cells, path)
    found = dict.fromkeys(f for p in one_an_arm.values() for f in p.prepared.cast.check(p.prepared.run))
    return Plan(study, tuple(_pools(cells)), tuple(cells), tuple(f for f in found if f.level != "note"))


def _check_benchmarked(study: Study, cells: Sequence[Planned], path: Path) -> None:
    """PipelineError for a comparison of scores that no run will have."""
    if any(planned.base for planned in cells):
        return
    if study.tasks:
        raise PipelineError(f"{path}: tasks: no plugin of any arm benchmarks; add one, e.g. lm-eval")
    if not study.measures:
        raise PipelineError(
            f"{path}: there is nothing to compare: no plugin of any arm benchmarks, and `measures` names nothing; add a "
            f"plugin, e.g. lm-eval, or measures: [kept] ({', '.join(MEASURES)}, or a metric)"
        )


def _prepare(cell: Cell, study: Study, base: Mapping[str, Any], file: Path, path: Path) -> Planned:
    place = f"{shown(path)}: {shown(cell.arm.name)}"
    settings = cell.settings(study, base, str(path))
    source = f"# {cell.name} of the study {study.name}; relative paths start from the folder of {study.base}\n"
    source += yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    pipeline = pipeline_of(settings, place)
    try:
        prepared = fitted(pipeline, absolute(file).parent, source)
    except PipelineError as error:
        raise PipelineError(f"{place}: {error}") from error
    prepared = replace(prepared, run=with_digests(prepared.run))
    return Planned(cell, prepared, _family(prepared), _base_name(prepared), _way(prepared))


def _family(prepared: Prepared) -> str:
    run, cast = prepared.run, prepared.cast
    identity = {name: value for name, value in identity_of(run, cast).items() if name != "weights_version"}
    depends = {"identity": identity, "budget": msgspec.to_builtins(run.pipeline.budget)}
    if run.pipeline.train.seeds:
        depends["student"] = phase_config(
            run, 0, [*cast.answering(hookspecs.train), *cast.answering(hookspecs.benchmark)]
        )
    return _short(depends)


def _base_name(prepared: Prepared) -> str | None:
    """One name for all cells whose base model is the same and benchmarked in the same way."""
    run, cast = prepared.run, prepared.cast
    if not (members := cast.answering(hookspecs.benchmark)):
        return None
    way: dict[str, Any] = {"config": phase_config(run, 0, members), "weights": run.trained.digest}
    asked = ("run", hookspecs.sampler.__name__, hookspecs.verify.__name__)
    if any(cast.asks(hookspecs.benchmark, argument) for argument in asked):
        way |= {"seed": run.pipeline.seed, "attempts": deciding(run.pipeline.attempts)}
        way["asked"] = phase_config(run, 0, [*cast.answering(hookspecs.sampler), *cast.answering(hookspecs.verify)])
    return _short(way)


def _way(prepared: Prepared) -> str:
    run, cast = prepared.run, prepared.cast
    pipeline = run.pipeline
    return _short(
        {
            "identity": identity_of(run, cast),
            "settings": settings_of(cast),
            "limits": [pipeline.rounds, pipeline.steps, msgspec.to_builtins(pipeline.budget)],
            "training": [run.trained.digest, msgspec.to_builtins(pipeline.train)],
        }
    )


def _short(data: Any) -> str:
    return hashlib.blake2b(msgspec.json.encode(data, order="sorted"), digest_size=5).hexdigest()


def _pools(cells: Sequence[Planned]) -> list[Pool]:
    """The pools of the cells, the shorter before the longer."""
    firsts = {planned.pool: planned for planned in reversed(cells)}
    order = dict.fromkeys(planned.pool for planned in cells)
    longest: dict[str, str] = {}
    pools = []
    for name in sorted(order, key=lambda name: firsts[name].steps):
        first = firsts[name]
        pools.append(Pool(name, first.steps, first.prepared, longest.get(first.family)))
        longest[first.family] = name
    return pools
