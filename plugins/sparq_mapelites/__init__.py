"""Selection of parents and the MAP-Elites archive (SPARQ, section 2)."""

from collections.abc import Sequence
from random import Random
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

import sparq_core as sparq
from sparq_mapelites.archive import Archive, Axis, Niches, kept

__all__ = ["Archive", "Axis", "MapElites", "Niches", "StaticUniform"]


class NichesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `static-uniform`, and some of `map-elites`'."""

    niches: Annotated[
        dict[str, Axis], Meta(min_length=1, description="The descriptors that make niches, and how each is cut.")
    ] = field(default_factory=lambda: {"skills": Axis()})


class StaticUniform:
    """
    Parents are drawn uniformly from the seeds: the paper's best method, and its reference.

    The archive beside it changes nothing; it says how many niches the children fill and how well.
    """

    static: ClassVar[bool] = True

    def __init__(self, config: NichesConfig) -> None:
        self._niches = Niches(config.niches)
        self._seeds: list[str] = []
        self._archive = Archive(capacity=1)

    @sparq.hookimpl
    def select(self, rng: Random, n: int) -> list[str]:
        return rng.choices(self._seeds, k=n) if self._seeds else []

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        for child in kept(step.children):
            if child.problem.is_seed:
                self._seeds.append(child.problem.id)
                self._niches.learn(child.descriptors)
            else:
                self._archive.add(self._niches.of(child.descriptors), child.problem.id, child.quality)
        return metrics(self._archive)


class MapElitesConfig(NichesConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `map-elites`."""

    capacity: Annotated[
        int, Meta(ge=1, description="Most problems a niche keeps as parents (T_Ω; the paper does not say).")
    ] = 16


class MapElites:
    """
    Parents are drawn from the archive: a niche uniformly, then one of its elites uniformly (the paper's dynamic diverse).

    Seeds start the archive with quality 0, unless they were attempted; children replace the worst of a full niche.
    """

    def __init__(self, config: MapElitesConfig) -> None:
        self._niches = Niches(config.niches)
        self._seeds: list[sparq.Child] = []
        self._parents = Archive(config.capacity)
        self._archive = Archive(capacity=1)

    @sparq.hookimpl
    def select(self, rng: Random, n: int) -> Sequence[str]:
        if not self._parents.niches and not self._seeds:
            return []
        self._place_seeds()
        return [rng.choice(self._parents.elites(rng.choice(self._parents.niches))) for _ in range(n)]

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        for child in kept(step.children):
            if child.problem.is_seed:
                self._seeds.append(child)
                self._niches.learn(child.descriptors)
            else:
                self._place_seeds()
                niche = self._niches.of(child.descriptors)
                self._parents.add(niche, child.problem.id, child.quality)
                self._archive.add(niche, child.problem.id, child.quality)
        return metrics(self._archive)

    def _place_seeds(self) -> None:
        """Put the seeds in their niches, once all of them are known."""
        for child in self._seeds:
            self._parents.add(self._niches.of(child.descriptors), child.problem.id, child.quality)
        self._seeds = []


def metrics(archive: Archive) -> dict[str, float]:
    """What a step's commit reports: of the children alone."""
    return {"filled_niches": float(len(archive.niches)), "qd_score": round(archive.qd_score(), 6)}
