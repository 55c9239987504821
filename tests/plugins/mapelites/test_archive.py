"""The archive keeps the best of each niche, whatever the order, and says how well it is filled."""

from collections import Counter
from math import log
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ribs.archives import GridArchive

import sparq_core as sparq
from sparq_core import Axis, Niches
from sparq_mapelites import (
    Archive,
    DynamicUniform,
    DynamicUniformConfig,
    MapElites,
    MapElitesConfig,
    StaticConfig,
    StaticDiverse,
    StaticUniform,
)
from sparq_mapelites.collapse import Collapse
from sparq_mapelites.selectors import covering

ENTRIES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10)), max_size=60)


@given(ENTRIES, st.integers(1, 4))
def test_each_niche_keeps_its_best_problems(entries: list[tuple[int, int]], capacity: int) -> None:
    archive = Archive(capacity)
    for i, (niche, quality) in enumerate(entries):
        archive.add((niche,), str(i), quality / 10)
    for niche in {niche for niche, _ in entries}:
        ranked = sorted((-quality, i) for i, (n, quality) in enumerate(entries) if n == niche)
        assert archive.elites((niche,)) == [str(i) for _, i in ranked[:capacity]]
    assert set(archive.niches) == {(niche,) for niche, _ in entries}


@given(ENTRIES)
def test_qd_score_is_the_sum_of_the_best(entries: list[tuple[int, int]]) -> None:
    archive = Archive(3)
    best: dict[int, float] = {}
    for i, (niche, quality) in enumerate(entries):
        archive.add((niche,), str(i), quality / 10)
        best[niche] = max(best.get(niche, 0.0), quality / 10)
    assert archive.qd_score() == pytest.approx(sum(best.values()))


@given(ENTRIES)
def test_add_says_whether_the_problem_was_kept(entries: list[tuple[int, int]]) -> None:
    archive = Archive(2)
    for i, (niche, quality) in enumerate(entries):
        kept = archive.add((niche,), str(i), quality / 10)
        assert kept == (str(i) in archive.elites((niche,)))


def test_labels_are_cut_to_the_most_common_of_the_seeds() -> None:
    niches = Niches({"skills": Axis(top=2, max=3)})
    for labels in (["a", "b"], ["a", "b"], ["a", "c"]):
        niches.learn({"skills": labels})
    assert niches.of({"skills": ["c", "b", "a"]}) == (("a", "b"),)
    assert niches.of({"skills": ["d"]}) == ((),)
    assert niches.of({}) == ((),)


def test_at_most_max_labels_make_a_niche() -> None:
    niches = Niches({"skills": Axis(max=2)})
    niches.learn({"skills": ["c", "b", "a"]})
    assert niches.of({"skills": ["c", "b", "a"]}) == (("a", "b"),)


@pytest.mark.parametrize(
    ("value", "cell"),
    [(-5, 0), (0, 0), (9.99, 0), (10, 1), (49.9, 4), (50, 4), (99, 4), (None, -1), (1e308, 4), (float("nan"), -1)],
)
def test_numbers_are_binned_and_clipped(value: float | None, cell: int) -> None:
    niches = Niches({"words": Axis(bins=5, low=0, high=50)})
    assert niches.of({"words": value}) == (cell,)


def test_a_string_is_one_label() -> None:
    niches = Niches({"topic": Axis(top=None)})
    niches.learn({"topic": "algebra"})
    assert niches.of({"topic": "algebra"}) == (("algebra",),)
    assert niches.of({"topic": None}) == ((),)


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        (Axis(), 5.0, r"niches\.words: 5\.0 is a number, not labels; set `bins`"),
        (Axis(bins=5), ["a"], r"niches\.words: \['a'\] is not a number; omit `bins`"),
        (Axis(bins=5), "a", r"niches\.words: 'a' is not a number"),
    ],
)
def test_a_descriptor_that_does_not_fit_its_axis_is_refused(axis: Axis, value: Any, message: str) -> None:
    with pytest.raises(sparq.PipelineError, match=message):
        Niches({"words": axis}).of({"words": value})


def step(round: int, number: int, *children: tuple[str, float, list[str]]) -> sparq.Step:
    return sparq.Step(
        round=round,
        step=number,
        parents=(),
        children=tuple(
            sparq.Child(
                problem=sparq.Problem(id=f"{round}.{number}.{i}", statement=name),
                outcome="kept",
                quality=quality,
                descriptors={"skills": skills},
            )
            for i, (name, quality, skills) in enumerate(children)
        ),
    )


def every() -> list[Any]:
    return [
        StaticUniform(StaticConfig()),
        StaticDiverse(StaticConfig()),
        DynamicUniform(DynamicUniformConfig()),
        MapElites(MapElitesConfig()),
    ]


SEEDS = step(0, 1, ("s", 0.0, ["a"]), ("t", 0.0, ["b"]))


def test_static_uniform_draws_from_the_seeds_only() -> None:
    plugin = StaticUniform(StaticConfig())
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.9, ["a"])))
    parents = plugin.select(rng=sparq.generator(1), n=50, pending=())
    assert set(parents) == {"0.1.0", "0.1.1"}


def test_map_elites_draws_niches_uniformly() -> None:
    plugin = MapElites(MapElitesConfig(capacity=4))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, *(("x", 0.5, ["a"]) for _ in range(20))))
    parents = plugin.select(rng=sparq.generator(1), n=400, pending=())
    assert 150 < parents.count("0.1.1") < 250


def test_map_elites_drops_seeds_for_better_children() -> None:
    plugin = MapElites(MapElitesConfig(capacity=1))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.5, ["a"])))
    assert set(plugin.select(rng=sparq.generator(1), n=50, pending=())) == {"1.1.0", "0.1.1"}


@pytest.mark.parametrize("plugin", every())
def test_metrics_count_children_not_seeds(plugin: Any) -> None:
    plugin.commit(SEEDS)
    metrics = plugin.commit(step(1, 1, ("x", 0.5, ["a"]), ("y", 0.25, ["a"]), ("z", 0.25, ["b"])))
    assert metrics == {"filled_niches": 2.0, "qd_score": 0.75, "niche_entropy": 0.636514, "unique_labels": 2.0}


@pytest.mark.parametrize("plugin", every())
def test_no_seeds_no_parents(plugin: Any) -> None:
    with pytest.raises(sparq.NoParents, match="all seeds were rejected, or there are none"):
        plugin.select(rng=sparq.generator(1), n=3, pending=())


def test_static_diverse_draws_niches_of_the_seeds_uniformly() -> None:
    plugin = StaticDiverse(StaticConfig())
    plugin.commit(step(0, 1, ("s", 0.0, ["a"]), *(("t", 0.0, ["b"]) for _ in range(9))))
    plugin.commit(step(1, 1, ("x", 0.9, ["c"])))
    parents = plugin.select(rng=sparq.generator(1), n=400, pending=())
    assert 150 < parents.count("0.1.0") < 250
    assert all(parent.startswith("0.") for parent in parents)


def test_dynamic_uniform_draws_from_the_best_of_all_niches() -> None:
    plugin = DynamicUniform(DynamicUniformConfig(capacity=3))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.9, ["a"]), ("y", 0.8, ["a"]), ("z", 0.7, ["b"]), ("w", 0.1, ["b"])))
    assert set(plugin.select(rng=sparq.generator(1), n=60, pending=())) == {"1.1.0", "1.1.1", "1.1.2"}


def test_a_share_of_steps_mutates_seeds() -> None:
    plugin = DynamicUniform(DynamicUniformConfig(capacity=1, seed_share=0.5))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.9, ["a"])))
    steps = [set(plugin.select(rng=sparq.generator(k), n=4, pending=())) for k in range(200)]
    from_seeds = sum(any(parent.startswith("0.") for parent in parents) for parents in steps)
    assert 70 < from_seeds < 130
    assert all({p[0] for p in parents} in ({"0"}, {"1"}) for parents in steps)


def test_no_parent_gets_more_children_than_allowed() -> None:
    plugin = StaticUniform(StaticConfig(max_children=3))
    plugin.commit(SEEDS)
    first = plugin.select(rng=sparq.generator(1), n=4, pending=())
    second = plugin.select(rng=sparq.generator(2), n=2, pending=first)
    assert sorted(first + second) == ["0.1.0"] * 3 + ["0.1.1"] * 3
    plugin.commit(sparq.Step(round=1, step=1, parents=tuple(first + second), children=()))
    with pytest.raises(sparq.NoParents, match="max_children is 3"):
        plugin.select(rng=sparq.generator(3), n=1, pending=())


def test_a_covering_batch_has_as_many_different_labels_as_it_can() -> None:
    niches: list[Any] = [(("a", "b"),), (("a",),), (("b", "c", "d"),), (("e",),), ((),)]
    chosen = covering(niches, 3, sparq.generator(1))
    assert {label for niche in chosen for label in cast("tuple[str, ...]", niche[0])} == set("abcde")
    assert len(covering(niches, 50, sparq.generator(1))) == 50


def test_unbounded_labels_all_count() -> None:
    niches = Niches({"skills": Axis(top=None, max=3)})
    niches.learn({"skills": ["a"]})
    assert niches.of({"skills": ["z", "y"]}) == (("y", "z"),)


@given(ENTRIES)
def test_entropy_is_that_of_the_niches(entries: list[tuple[int, int]]) -> None:
    archive = Archive(1)
    for i, (niche, quality) in enumerate(entries):
        archive.add((niche,), str(i), quality / 10)
    counts = Counter(niche for niche, _ in entries).values()
    expected = -sum(n / len(entries) * log(n / len(entries)) for n in counts)
    assert archive.entropy() == pytest.approx(expected, abs=1e-9)


def test_like_pyribs_over_a_hundred_thousand_insertions() -> None:
    """On a grid with one elite a cell: the same elites, coverage and QD-score as pyribs' GridArchive."""
    rng = np.random.default_rng(5)
    n, dims = 100_000, (40, 25)
    measures = rng.uniform(0, 1, (n, 2))
    qualities = np.round(rng.uniform(0, 1, n), 3)
    theirs = GridArchive(solution_dim=1, dims=dims, ranges=[(0, 1), (0, 1)], dtype=np.float64)
    theirs.add(np.arange(n).reshape(-1, 1).astype(float), qualities, measures)
    niches = Niches({"x": Axis(bins=dims[0]), "y": Axis(bins=dims[1])})
    ours = Archive(capacity=1)
    for i in range(n):
        cell = niches.of({"x": measures[i, 0], "y": measures[i, 1]})
        ours.add(cell, str(i), float(qualities[i]), sparq.derive(1, i))
    stats = theirs.stats
    assert len(ours.niches) == stats.num_elites
    assert len(ours.niches) / (dims[0] * dims[1]) == pytest.approx(stats.coverage)
    assert ours.qd_score() == pytest.approx(float(stats.qd_score))
    best = dict(zip(theirs.data("index"), theirs.data("objective"), strict=True))
    assert sorted(best.values()) == sorted(float(qualities[int(elite)]) for elite in ours)


def test_a_collapse_of_diversity_is_told_once() -> None:
    falling, rising = Collapse(), Collapse()
    told = [falling.seen_in(step, e) for step, e in enumerate([0.1, 3.0, 3.2] * 5 + [3.1, 2.6, 2.4, 2.0], 1)]
    (warning,) = filter(None, told)
    assert "seed_share" in warning
    assert not any(rising.seen_in(step, 2.0 + step / 100) for step in range(1, 40))


def test_a_selector_warns_the_user_of_a_collapse() -> None:
    told: list[str] = []
    selector = StaticUniform(StaticConfig(niches={"size": Axis(bins=16, high=16.0)}))
    pipeline = sparq.Pipeline(name="collapse", steps=1, models={}, plugins=[])
    selector.start(sparq.Run(pipeline=pipeline, base=Path(), folder=None, models={}), told.append)
    for step in range(1, 16):
        sizes = range(16) if step < 12 else [0] * 400
        children = tuple(
            sparq.Child(
                problem=sparq.Problem(id=f"1.{step}.{i}", statement="?"), outcome="kept", descriptors={"size": size}
            )
            for i, size in enumerate(sizes)
        )
        selector.commit(sparq.Step(round=1, step=step, parents=(), children=children))
    assert len(told) == 1


@pytest.mark.parametrize(
    "plugin",
    [StaticUniform(StaticConfig(niches={"sqll": Axis()})), MapElites(MapElitesConfig(niches={"sqll": Axis()}))],
)
def test_niches_of_what_nothing_is_described_by_are_refused_at_the_first_children(plugin: Any) -> None:
    plugin.commit(SEEDS)
    plugin.commit(sparq.Step(round=1, step=1, parents=(), children=()))
    with pytest.raises(sparq.PipelineError, match=r"niches: no problem is described by 'sqll'; .*known: skills"):
        plugin.commit(step(1, 2, ("x", 0.5, ["a"])))


def test_a_descriptor_that_some_problems_lack_is_no_mistake() -> None:
    plugin = StaticUniform(StaticConfig(niches={"size": Axis(bins=2)}))
    child = sparq.Child(problem=sparq.Problem(id="0.1.0", statement="?"), outcome="kept", descriptors={"size": 1})
    plugin.commit(sparq.Step(round=0, step=1, parents=(), children=(child,)))
    assert plugin.commit(step(1, 1, ("x", 0.5, ["a"])))["filled_niches"] == 1.0


def test_where_nothing_is_described_nothing_is_told_of_niches() -> None:
    plugin = StaticUniform(StaticConfig())
    child = sparq.Child(problem=sparq.Problem(id="1.1.0", statement="?"), outcome="kept")
    assert plugin.commit(sparq.Step(round=1, step=1, parents=(), children=(child,))) == {}
