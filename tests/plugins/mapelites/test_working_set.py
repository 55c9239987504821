"""Who may be a parent, and who has to go: all seeds at first, then the best, equals by a lot that does not know their age."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
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

BLOCKS = ("algebra", "counting", "geometry", "intermediate", "number", "prealgebra", "precalculus")
QUALITIES = [1 - right / 16 for right in range(2, 15)]
"""What sixteen attempts can say of a problem in the band: many problems share each."""


def child(id_: str, quality: float = 0.0, outcome: sparq.Outcome = "kept", **descriptors: Any) -> sparq.Child:
    problem = sparq.Problem(id=id_, statement="?")
    return sparq.Child(problem=problem, outcome=outcome, quality=quality, descriptors=descriptors)


def step(round_: int, number: int, children: Sequence[sparq.Child]) -> sparq.Step:
    return sparq.Step(round=round_, step=number, parents=(), children=tuple(children))


def begun(plugin: Any, seed: int = 0) -> Any:
    pipeline = sparq.Pipeline(name="parents", seed=seed, steps=1, models={}, plugins=[])
    plugin.start(sparq.Run(pipeline=pipeline, base=Path(), folder=None, models={}), lambda _: None)
    return plugin


def sorted_seeds(each: int = 1_072) -> list[sparq.Child]:
    """Seeds as MATH has them: a block a subject, one after the other."""
    ids = (f"0.{1 + i // 256}.{i % 256}" for i in range(each * len(BLOCKS)))
    return [child(next(ids), skills=["any"], block=block) for block in BLOCKS for _ in range(each)]


def uniform() -> Any:
    return DynamicUniform(DynamicUniformConfig(capacity=1_000))


def elites() -> Any:
    return MapElites(MapElitesConfig(capacity=16))


@pytest.mark.parametrize("make", [uniform, elites])
def test_the_first_parents_are_of_all_blocks_of_the_seeds(make: Callable[[], Any]) -> None:
    plugin, seeds = begun(make()), sorted_seeds()
    plugin.commit(step(0, 1, seeds))
    block = {seed.problem.id: seed.descriptors["block"] for seed in seeds}
    parents = plugin.select(rng=sparq.generator(1), n=len(seeds), pending=())
    assert len(seeds) == 7_504
    assert all(0.9 < count / 1_072 < 1.1 for count in Counter(map(block.get, parents)).values())
    assert len(set(parents)) > 0.6 * len(seeds)


@pytest.mark.parametrize(("make", "capacity"), [(uniform, 1_000), (elites, 16)])
def test_the_first_child_makes_the_seeds_give_way(make: Callable[[], Any], capacity: int) -> None:
    plugin, seeds = begun(make()), sorted_seeds()
    plugin.commit(step(0, 1, seeds))
    plugin.commit(step(1, 1, [child("1.1.0", 0.5, "out-of-band")]))
    plugin.select(rng=sparq.generator(1), n=64, pending=())
    assert len(plugin.candidates()) == len(seeds)
    plugin.commit(step(1, 2, [child("1.2.0", 0.5, skills=["any"])]))
    left = plugin.candidates()
    assert len(left) == capacity
    assert left[0] == "1.2.0"
    age = {seed.problem.id: place / len(seeds) for place, seed in enumerate(seeds)}
    assert sum(map(age.__getitem__, left[1:])) / (capacity - 1) == pytest.approx(0.5, abs=0.25)


def test_a_niche_is_cut_by_its_own_first_child() -> None:
    plugin = begun(MapElites(MapElitesConfig(capacity=1)))
    seeds = [child(f"0.1.{i}", skills=["ab"[i % 2]]) for i in range(10)]
    plugin.commit(step(0, 1, seeds))
    plugin.commit(step(1, 1, [child("1.1.0", 0.5, skills=["a"])]))
    assert set(plugin.candidates()) == {"1.1.0", *(f"0.1.{i}" for i in range(1, 10, 2))}


def search(plugin: Any, steps: int) -> Iterator[int]:
    """Steps of a search whose children are as good as sixteen attempts can say."""
    rng = Random(3)
    for number in range(1, steps + 1):
        children = [child(f"1.{number}.{i}", rng.choice(QUALITIES), skills=["any"]) for i in range(64)]
        plugin.commit(step(1, number, children))
        yield number


def test_parents_are_of_all_ages_and_go_on_changing() -> None:
    plugin = begun(uniform())
    plugin.commit(step(0, 1, sorted_seeds()))
    found = [set(plugin.candidates()) for number in search(plugin, 1_500) if number % 500 == 0]
    steps_of = [int(id_.split(".")[1]) for id_ in found[-1]]
    assert sum(steps_of) / len(steps_of) / 1_500 == pytest.approx(0.5, abs=0.05)
    assert all(len(after - before) > 200 for before, after in pairwise(found))


def test_what_the_archive_holds_does_not_grow() -> None:
    """At the paper's size: 5,000 steps of 64 problems."""
    archive, rng, held = Archive(capacity=16), Random(3), []
    for number in range(1, 5_001):
        for i in range(64):
            id_ = f"1.{number}.{i}"
            archive.add((rng.randrange(500),), id_, rng.choice(QUALITIES), sparq.derive(1, id_))
        if number % 1_000 == 0:
            held.append(len(pickle.dumps(archive)))
    assert len(list(archive)) == 500 * 16
    assert max(held) < 1.02 * held[0]


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5), st.randoms(use_true_random=False))
def test_with_lots_the_order_of_arrival_says_nothing(qualities: list[int], capacity: int, rng: Random) -> None:
    entries = list(enumerate(qualities))
    archives = Archive(capacity), Archive(capacity)
    for archive in archives:
        rng.shuffle(entries)
        for i, quality in entries:
            archive.add((), str(i), float(quality), sparq.derive(i))
    assert list(archives[0]) == list(archives[1])


def test_replicates_keep_other_equals_and_a_replay_the_same() -> None:
    def kept(seed: int) -> set[str]:
        plugin = begun(DynamicUniform(DynamicUniformConfig(capacity=20)), seed)
        plugin.commit(step(0, 1, [child(f"0.1.{i}") for i in range(99)]))
        plugin.commit(step(1, 1, [child(f"1.1.{i}", 0.5, skills=["any"]) for i in range(99)]))
        return set(plugin.candidates())

    assert kept(1) == kept(1)
    assert len(kept(1) & kept(2)) < 15


@pytest.mark.parametrize(
    "plugin",
    [
        StaticUniform(StaticConfig()),
        StaticDiverse(StaticConfig()),
        DynamicUniform(DynamicUniformConfig()),
        MapElites(MapElitesConfig()),
    ],
)
def test_seeds_are_parents_whatever_attempts_at_them_came_to(plugin: Any) -> None:
    outcomes: list[sparq.Outcome] = ["kept", "out-of-band", "disputed", "unresolved", "rejected"]
    plugin.commit(step(0, 1, [child(f"0.1.{i}", outcome=outcome) for i, outcome in enumerate(outcomes)]))
    parents = plugin.select(rng=sparq.generator(1), n=99, pending=())
    assert set(parents) == {"0.1.0", "0.1.1", "0.1.2", "0.1.3"}


def test_a_seed_that_was_not_kept_ranks_below_any_that_was() -> None:
    plugin = begun(DynamicUniform(DynamicUniformConfig(capacity=2)))
    plugin.commit(step(0, 1, [child("0.1.0", 0.9, "out-of-band"), child("0.1.1", 0.2)]))
    plugin.commit(step(1, 1, [child("1.1.0", 0.1)]))
    assert plugin.candidates() == ["0.1.1", "1.1.0"]


def test_attempted_seeds_are_described_and_mutated(run_folder: Path) -> None:
    with sparq.Reader.open(run_folder) as ledger:
        seeds = [s.child for s in ledger.solved([0], outcome=None)]
        parents = {id_ for (ids,) in ledger.query("SELECT parents FROM step WHERE round = 1") for id_ in ids.split('"')}
    assert len(seeds) == 40
    assert all(seed.descriptors["skills"] for seed in seeds)
    assert parents & {seed.problem.id for seed in seeds if seed.outcome != "kept"}
