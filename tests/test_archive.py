"""The archive keeps the best of each niche, whatever the order, and says how well it is filled."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_mapelites import Archive, Axis, MapElites, MapElitesConfig, Niches, NichesConfig, StaticUniform

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
    ("value", "cell"), [(-5, 0), (0, 0), (9.99, 0), (10, 1), (49.9, 4), (50, 4), (99, 4), (None, -1)]
)
def test_numbers_are_binned_and_clipped(value: float | None, cell: int) -> None:
    niches = Niches({"words": Axis(bins=5, low=0, high=50)})
    assert niches.of({"words": value}) == (cell,)


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


SEEDS = step(0, 1, ("s", 0.0, ["a"]), ("t", 0.0, ["b"]))


def test_static_uniform_draws_from_the_seeds_only() -> None:
    plugin = StaticUniform(NichesConfig())
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.9, ["a"])))
    parents = plugin.select(rng=sparq.generator(1), n=50)
    assert set(parents) == {"0.1.0", "0.1.1"}


def test_map_elites_draws_niches_uniformly() -> None:
    plugin = MapElites(MapElitesConfig(capacity=4))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, *(("x", 0.5, ["a"]) for _ in range(20))))
    parents = plugin.select(rng=sparq.generator(1), n=400)
    assert 150 < parents.count("0.1.1") < 250


def test_map_elites_drops_seeds_for_better_children() -> None:
    plugin = MapElites(MapElitesConfig(capacity=1))
    plugin.commit(SEEDS)
    plugin.commit(step(1, 1, ("x", 0.5, ["a"])))
    assert set(plugin.select(rng=sparq.generator(1), n=50)) == {"1.1.0", "0.1.1"}


@pytest.mark.parametrize("plugin", [StaticUniform(NichesConfig()), MapElites(MapElitesConfig())])
def test_metrics_count_children_not_seeds(plugin: Any) -> None:
    plugin.commit(SEEDS)
    metrics = plugin.commit(step(1, 1, ("x", 0.5, ["a"]), ("y", 0.25, ["a"]), ("z", 0.25, ["b"])))
    assert metrics == {"filled_niches": 2.0, "qd_score": 0.75}


@pytest.mark.parametrize("plugin", [StaticUniform(NichesConfig()), MapElites(MapElitesConfig())])
def test_no_seeds_no_parents(plugin: Any) -> None:
    assert plugin.select(rng=sparq.generator(1), n=3) == []
