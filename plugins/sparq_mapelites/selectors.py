"""The selectors: static or dynamic, uniform or diverse."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import IO, Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import replace

import sparq_core as sparq
from sparq_mapelites.archive import Archive, Contents
from sparq_mapelites.collapse import Collapse

TRIES = 50
"""Draws of a parent that may still have children, before all are looked through."""


class StaticConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of every selector."""

    niches: Annotated[
        dict[sparq.Descriptor, sparq.Axis],
        Meta(min_length=1, description="The descriptors that make niches, and how each is cut."),
    ] = field(default_factory=lambda: {"skills": sparq.Axis()})
    max_children: Annotated[
        sparq.Positive | None, Meta(description="Maximum number of children per parent; none: no limit (paper).")
    ] = None
    weigh: Annotated[
        sparq.Descriptor | None,
        Meta(
            description="A descriptor between 0 and 1, such as `validity`, that qualities are multiplied by; none: by none."
        ),
    ] = None


class UnsolvedConfig(StaticConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `unsolved`."""

    below: Annotated[
        sparq.Share, Meta(description="Solve rate below which a seed is a parent; a seed of none, undecided, is not.")
    ] = 0.25


class DynamicConfig(StaticConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of selectors that mutate children, too."""

    seed_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of steps that mutate seeds instead of the archive's problems.")
    ] = 0.0


class DynamicUniformConfig(DynamicConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `dynamic-uniform`."""

    capacity: Annotated[
        sparq.Positive,
        Meta(description="Problems that may be parents, from the first child on (T; the paper does not say)."),
    ] = 1_000


class MapElitesConfig(DynamicConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `map-elites`."""

    capacity: Annotated[
        sparq.Positive,
        Meta(
            description="Most problems a niche keeps as parents, from its first child on (T_Ω; the paper does not say)."
        ),
    ] = 16
    choose: Annotated[
        Literal["uniform", "cover"],
        Meta(
            description="Niches drawn uniformly, or so that a batch has the most different labels (paper, appendix D)."
        ),
    ] = "uniform"


class Remembered(Struct, frozen=True, kw_only=True):
    """What a selector remembers of the steps, as it is written down."""

    unseen: set[str]
    seeds: list[sparq.Child]
    children: dict[str, int]
    archive: Contents
    collapse: tuple[float, bool]
    parents: Contents | None
    """Of a dynamic selector."""
    placed: int


class Selector:
    """
    What all selectors share: the seeds, the limit on children, and an archive that says how niches fill.

    Seeds that were not rejected are parents, whatever attempts at them came to. The archive holds children only, the best of
    each niche, and changes no selection.
    """

    def __init__(self, config: StaticConfig) -> None:
        self._niches = sparq.Niches(config.niches)
        self._unseen = set(config.niches)
        self._most = config.max_children
        self._weigh = config.weigh
        self._seed_share = config.seed_share if isinstance(config, DynamicConfig) else 0.0
        self._seeds: list[sparq.Child] = []
        self._children: Counter[str] = Counter()
        self._archive, self._collapse = Archive(capacity=1), Collapse()
        self._run_seed = 0
        self._warn: Callable[[str], None] = lambda _: None

    @sparq.hookimpl
    def start(self, run: sparq.Run, warn: Callable[[str], None]) -> None:
        self._run_seed, self._warn = run.pipeline.seed, warn

    @sparq.hookimpl
    def select(self, rng: Random, n: int, pending: Sequence[str]) -> list[str]:
        if not self._seeds:
            raise sparq.NoParents(
                "all seeds were rejected, or there are none; see `sparq status`, then look at the seeds or at what screens them"
            )
        self.prepare()
        had = self._children + Counter(pending) if self._most else Counter[str]()
        if self._seed_share and rng.random() < self._seed_share:
            return self._free([rng.choice(self._seeds).problem.id for _ in range(n)], had, rng)
        return self._free(self.draw(rng, n), had, rng)

    @sparq.hookimpl
    def commit(self, step: sparq.Step) -> dict[str, float]:
        if self._most:
            self._children.update(step.parents)
        if self._unseen:
            self._look_for_descriptors(step)
        for child in self._weighed(step.children):
            if child.problem.is_seed and child.outcome != "rejected":
                self._seeds.append(child)
                self._niches.learn(child.descriptors)
            elif child.outcome == "kept":
                niche = self._niches.of(child.descriptors)
                self._archive.add(niche, child.problem.id, child.quality)
                self.keep(niche, child)
        for parent in self._weighed(step.again):
            niche = self._niches.of(parent.descriptors)
            self._archive.rerank(niche, parent.problem.id, parent.quality)
            self.rerank(niche, parent)
        if self._unseen:
            return {}  # all problems are in one niche, which says nothing
        metrics = self._archive.metrics()
        if step.round and (warning := self._collapse.seen_in(step.step, metrics["niche_entropy"])):
            self._warn(warning)
        return metrics | ({"coverage": round(metrics["filled_niches"] / n, 6)} if (n := self._niches.finite) else {})

    def save_state(self, file: IO[bytes]) -> None:
        """Write down what is remembered."""
        file.write(msgspec.msgpack.encode(self.remembered(), order="deterministic"))

    def load_state(self, file: IO[bytes]) -> None:
        """Remember what was written down."""
        self.remember(msgspec.msgpack.decode(file.read(), type=Remembered))

    def remembered(self) -> Remembered:
        """All that comes of the steps."""
        return Remembered(
            unseen=self._unseen,
            seeds=self._seeds,
            children=dict(sorted(self._children.items())),
            archive=self._archive.contents(),
            collapse=self._collapse.seen,
            parents=None,
            placed=0,
        )

    def remember(self, found: Remembered) -> None:
        """Be as if all those steps had been committed."""
        self._unseen, self._seeds, self._children = found.unseen, found.seeds, Counter(found.children)
        for seed in self._seeds:
            self._niches.learn(seed.descriptors)
        self._archive.load(found.archive)
        self._collapse.seen = found.collapse

    def _weighed(self, children: Sequence[sparq.Child]) -> Iterator[sparq.Child]:
        return (child.weighed_by(self._weigh) for child in children)

    def _look_for_descriptors(self, step: sparq.Step) -> None:
        """PipelineError where children are described, but not by what the niches are made of, nor was any problem before."""
        described = {key for child in step.children for key in child.descriptors}
        self._unseen -= described
        if step.round and described and self._unseen:
            key = min(self._unseen)
            raise sparq.PipelineError(
                f"niches: no problem is described by '{key}'; {sparq.nearest(key, described)}; set niches to what describes "
                f"them, such as {{{min(described)}: {{}}}}, or let `describe` of a plugin answer '{key}'"
            )

    def draw(self, rng: Random, n: int) -> list[str]:
        """Ids of n parents, repeats allowed."""
        raise NotImplementedError

    def candidates(self) -> list[str]:
        """Ids of all problems that `draw` may give."""
        return [seed.problem.id for seed in self._seeds]

    def prepare(self) -> None:
        """Called before a draw, when all seeds are known."""

    def keep(self, niche: sparq.Niche, child: sparq.Child) -> None:
        """A child that was kept; static selectors leave it."""

    def rerank(self, niche: sparq.Niche, parent: sparq.Child) -> None:
        """A parent that further attempts gave another quality; static selectors leave it."""

    def placed_seeds(self) -> list[tuple[sparq.Niche, sparq.Child]]:
        """The seeds with their niches."""
        return [(self._niches.of(seed.descriptors), seed) for seed in self._seeds]

    def _free(self, drawn: list[str], had: Counter[str], rng: Random) -> list[str]:
        """The drawn parents, with others for those that have had all their children."""
        if not self._most:
            return drawn
        for i, parent in enumerate(drawn):
            drawn[i] = self._instead(parent, self._most, had, rng)
            had[drawn[i]] += 1
        return drawn

    def _instead(self, parent: str, most: int, had: Counter[str], rng: Random) -> str:
        for _ in range(TRIES):
            if had[parent] < most:
                return parent
            (parent,) = self.draw(rng, 1)
        left = [id_ for id_ in self.candidates() if had[id_] < most]
        if not left:
            raise sparq.NoParents(f"too few problems may be parents: max_children is {most}, and the others had theirs")
        return rng.choice(left)


class StaticUniform(Selector):
    """Parents are drawn uniformly from the seeds: the paper's best method, and its reference."""

    static: ClassVar[bool] = True

    def __init__(self, config: StaticConfig) -> None:
        super().__init__(config)

    def draw(self, rng: Random, n: int) -> list[str]:
        return [seed.problem.id for seed in rng.choices(self._seeds, k=n)]


class StaticDiverse(Selector):
    """Parents are drawn from the seeds: a niche uniformly, then one of its seeds (the paper's static diverse)."""

    static: ClassVar[bool] = True

    def __init__(self, config: StaticConfig) -> None:
        super().__init__(config)
        self._by_niche: dict[sparq.Niche, list[str]] = {}

    def prepare(self) -> None:
        if not self._by_niche:
            for niche, seed in self.placed_seeds():
                self._by_niche.setdefault(niche, []).append(seed.problem.id)

    def draw(self, rng: Random, n: int) -> list[str]:
        niches = list(self._by_niche.values())
        return [rng.choice(rng.choice(niches)) for _ in range(n)]


class Unsolved(Selector):
    """
    Parents are drawn uniformly from the seeds that the solver hardly solves, so that children lead towards these.

    After the unsolved targets of SGS (2604.20209). Needs `attempts.seeds: true`, which costs K attempts a seed; their rates are
    those of round 0. With `attempts.again`, a seed whose rate has risen is no longer drawn.
    """

    static: ClassVar[bool] = True

    def __init__(self, config: UnsolvedConfig) -> None:
        super().__init__(config)
        self._below = config.below
        self._targets: list[str] = []

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        if run.pipeline.attempts.seeds:
            return []
        message = (
            "no solve rate of a seed is known without attempts at it; set attempts.seeds: true, or use static-uniform"
        )
        return [sparq.Finding(level="error", place="use", message=message)]

    def prepare(self) -> None:
        rates = ((seed.problem.id, seed.solve_rate) for seed in self._seeds)
        self._targets = [id_ for id_, rate in rates if rate is not None and rate < self._below]
        if not self._targets:
            raise sparq.NoParents(
                f"none of the {len(self._seeds)} seeds has a solve rate below {self._below:g}; raise `below`, or use "
                "static-uniform"
            )

    def draw(self, rng: Random, n: int) -> list[str]:
        return rng.choices(self._targets, k=n)

    def candidates(self) -> list[str]:
        return self._targets

    def rerank(self, niche: sparq.Niche, parent: sparq.Child) -> None:  # noqa: ARG002 -- only its solve rate counts
        self._seeds = [parent if seed.problem.id == parent.problem.id else seed for seed in self._seeds]


class Dynamic(Selector):
    """
    Selectors whose parents are all seeds at first, then the best problems so far.

    Seeds have quality 0, unless they were attempted and kept. Among equals a lot decides, drawn by the run's seed, and not age:
    most qualities are shared by many problems, and the first ones would stay for ever.
    """

    version: ClassVar[str] = "2"

    def __init__(self, config: DynamicConfig, capacity: int) -> None:
        super().__init__(config)
        self._parents = Archive(capacity)
        self._placed = 0

    def prepare(self) -> None:
        for niche, seed in self.placed_seeds()[self._placed :] if self._placed < len(self._seeds) else ():
            self._parents.begin(self.cell(niche), seed.problem.id, _worth(seed), self._lot(seed))
        self._placed = len(self._seeds)

    def remembered(self) -> Remembered:
        return replace(super().remembered(), parents=self._parents.contents(), placed=self._placed)

    def remember(self, found: Remembered) -> None:
        super().remember(found)
        if found.parents:
            self._parents.load(found.parents)
        self._placed = found.placed

    def keep(self, niche: sparq.Niche, child: sparq.Child) -> None:
        self.prepare()
        self._parents.add(self.cell(niche), child.problem.id, child.quality, self._lot(child))

    def rerank(self, niche: sparq.Niche, parent: sparq.Child) -> None:
        self.prepare()
        self._parents.rerank(self.cell(niche), parent.problem.id, _worth(parent))

    def candidates(self) -> list[str]:
        return [id_ for niche in self._parents.niches for id_ in self._parents.elites(niche)]

    def cell(self, niche: sparq.Niche) -> sparq.Niche:
        """Where among the parents a problem of a niche goes."""
        return niche

    def _lot(self, child: sparq.Child) -> int:
        return sparq.derive(self._run_seed, "lot", child.problem.id)


def _worth(child: sparq.Child) -> float:
    """What a parent ranks by, that may be one although attempts say that it is not to be kept."""
    return child.quality if child.outcome == "kept" else 0.0


class DynamicUniform(Dynamic):
    """
    Parents are drawn uniformly from the problems of highest quality, whatever their niche (the paper's dynamic uniform).

    All seeds are parents until there is a child; then they make room for better problems.
    """

    def __init__(self, config: DynamicUniformConfig) -> None:
        super().__init__(config, config.capacity)

    def cell(self, niche: sparq.Niche) -> sparq.Niche:  # noqa: ARG002 -- one for all
        return ()

    def draw(self, rng: Random, n: int) -> list[str]:
        return rng.choices(self._parents.elites(()), k=n)


class MapElites(Dynamic):
    """
    Parents are drawn from the archive: a niche uniformly, then one of its elites (the paper's dynamic diverse).

    All seeds of a niche are its elites until it gets a child; then children replace its worst.
    """

    def __init__(self, config: MapElitesConfig) -> None:
        super().__init__(config, config.capacity)
        self._cover = config.choose == "cover"

    def draw(self, rng: Random, n: int) -> list[str]:
        niches = self._parents.niches
        chosen = covering(niches, n, rng) if self._cover else rng.choices(niches, k=n)
        return [rng.choice(self._parents.elites(niche)) for niche in chosen]


def covering(niches: Sequence[sparq.Niche], n: int, rng: Random) -> list[sparq.Niche]:
    """Niches that together have many different labels: each next one adds the most; it begins anew when none adds any."""
    order = rng.sample(niches, len(niches))
    labels = {niche: sparq.labels_of(niche) for niche in order}
    chosen: list[sparq.Niche] = []
    seen: frozenset[str] = frozenset()
    while len(chosen) < n:
        best = max(order, key=lambda niche: len(labels[niche] - seen))
        if seen and not labels[best] - seen:
            seen = frozenset()
            best = rng.choice(order)
        chosen.append(best)
        seen |= labels[best]
    return chosen
