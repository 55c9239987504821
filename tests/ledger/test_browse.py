"""The index of a run's problems: what it counts, and what is found by it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sparq_core.contract.records import Child
from sparq_core.ledger import browse, counting, spread
from sparq_core.ledger.browse import Filter, Key
from sparq_core.ledger.index import Index
from sparq_core.ledger.reader import Reader

PLACES = 8


@pytest.fixture
def ledger(run_folder: Path) -> Iterator[Reader]:
    with Reader.open(run_folder) as ledger:
        yield ledger


@pytest.fixture
def index(ledger: Reader) -> Index:
    index = Index(ledger, PLACES)
    while index.follow(7):
        pass
    return index


@pytest.fixture
def children(ledger: Reader) -> list[Child]:
    """Every problem, seeds too, as the ledger has it."""
    return [solved.child for solved in ledger.solved(outcome=None)]


def test_it_counts_what_the_ledger_adds_up_to(index: Index, ledger: Reader) -> None:
    counted, added_up = index.counts(30, 25), spread.counts(ledger, PLACES, 30, 25)
    assert counted.mean_solve_rate.mean == pytest.approx(added_up.mean_solve_rate.mean)
    assert counted.mean_solve_rate.variance == pytest.approx(added_up.mean_solve_rate.variance)
    for (label, of), (wanted, of_all) in zip(counted.labels.values(), added_up.labels.values(), strict=True):
        assert of == of_all
        assert [one[:3] for one in label] == [one[:3] for one in wanted]
        assert [one.solve_rate for one in label] == pytest.approx([one.solve_rate for one in wanted])
    left_out = {"mean_solve_rate", "labels"}
    assert {k: v for k, v in counted._asdict().items() if k not in left_out} == {
        k: v for k, v in added_up._asdict().items() if k not in left_out
    }


def test_the_ledger_itself_stays_as_it_was(index: Index, run_folder: Path) -> None:
    assert index.complete
    assert {path.name for path in run_folder.glob("sparq.db*")} <= {"sparq.db", "sparq.db-wal", "sparq.db-shm"}
    with Reader.open(run_folder) as ledger:
        assert not list(ledger.query("SELECT name FROM sqlite_master WHERE name IN ('item', 'labelled', 'by_rate')"))


def ids(index: Index, keys: list[Key]) -> list[str]:
    return [browse.id_of(index.ledger, key) for key in keys]


def number(names: counting.Names[Any], name: Any) -> int:
    return names.known.index(name)


def test_each_filter_finds_what_it_says(index: Index, children: list[Child]) -> None:
    label = number(index.labels, ("skills", "carrying"))
    like: dict[Filter, Callable[[Child], bool]] = {
        Filter(): lambda one: True,
        Filter(outcome="kept"): lambda one: one.outcome == "kept",
        Filter(outcome="rejected"): lambda one: one.rejection is not None,
        Filter(outcome="disputed"): lambda one: False,
        Filter(operator=number(index.operators, "seed")): lambda one: one.problem.operator == "seed",
        Filter(reason=number(index.reasons, "too easy")): lambda one: one.reason == "too easy",
        Filter(round=0): lambda one: one.problem.id.startswith("0."),
        Filter(low=0.5): lambda one: (one.solve_rate or 0) >= 0.5,
        Filter(high=0.5): lambda one: one.solve_rate is not None and one.solve_rate <= 0.5,
        Filter(label=label): lambda one: "carrying" in one.descriptors.get("skills", ()),
        Filter(label=label, low=0.5, round=1): lambda one: (
            "carrying" in one.descriptors.get("skills", ())
            and (one.solve_rate or 0) >= 0.5
            and one.problem.id[0] == "1"
        ),
        Filter(text="IS 2"): lambda one: "is 2" in one.problem.statement.lower(),
        Filter(text="%"): lambda one: False,
        Filter(text="What_is"): lambda one: False,
        Filter(text="\\"): lambda one: False,
    }
    for wanted, is_like_that in like.items():
        there = [one.problem.id for one in children if is_like_that(one)]
        assert sorted(ids(index, browse.find(index, wanted, None, 500).keys)) == sorted(there), wanted


def test_a_niche_has_the_problems_whose_labels_make_it(index: Index, children: list[Child]) -> None:
    cell = ("addition", "carrying")
    niche = index.niches.known.index((cell,))
    found = ids(index, browse.find(index, Filter(niche=niche), None, 500).keys)
    assert set(found) == {one.problem.id for one in children if one.problem.id[0] != "0" and is_cell(one, cell)}


def is_cell(child: Child, cell: tuple[str, ...]) -> bool:
    """Labels count that the seeds have, too."""
    return {"addition", "carrying"} & set(child.descriptors.get("skills", ())) == set(cell)


def rate(index: Index, id_: str) -> float:
    found = index.ledger.child(id_).solve_rate
    assert found is not None
    return found


def test_orders(index: Index) -> None:
    newest, oldest, hardest, easiest = (
        ids(index, browse.find(index, Filter(order=order), None, 500).keys)
        for order in ("newest", "oldest", "hardest", "easiest")
    )
    assert oldest == newest[::-1]
    assert oldest[0] == "0.1.0"
    assert hardest == easiest[::-1]
    rates = [rate(index, id_) for id_ in hardest]
    assert rates == sorted(rates)


@pytest.mark.parametrize("order", ["newest", "oldest", "hardest", "easiest"])
@pytest.mark.parametrize("label", [None, 1])
def test_pages_follow_each_other_both_ways(index: Index, order: browse.Order, label: int | None) -> None:
    wanted = Filter(order=order, label=label, outcome="kept")
    whole = browse.find(index, wanted, None, 500).keys
    forward, place = list[Key](), None
    while True:
        page = browse.find(index, wanted, place, 7)
        forward += page.keys
        if not page.more:
            break
        place = page.keys[-1]
    assert forward == whole
    backward = browse.find(index, wanted, whole[-1], 500, back=True).keys
    assert backward == whole[-2::-1]


@pytest.mark.parametrize("order", ["newest", "hardest"])
def test_a_search_that_takes_long_stops_and_goes_on_where_it_was(
    index: Index, monkeypatch: pytest.MonkeyPatch, order: browse.Order
) -> None:
    wanted = Filter(order=order, text="is 2")
    whole = browse.find(index, wanted, None, 500).keys
    monkeypatch.setattr(browse, "WINDOW_OF_TEXTS", 3)
    found, place, searches = list[Key](), None, 0
    while True:
        page = browse.find(index, wanted, place, 500, budget=-1)
        found, searches = found + page.keys, searches + 1
        if not page.more:
            break
        place = page.stopped
    assert found == whole
    assert searches > 10


def test_a_list_tells_what_became_of_each(index: Index) -> None:
    (key,) = browse.find(index, Filter(outcome="rejected"), None, 1).keys
    (one,) = browse.listed(index, [key])
    assert (one.outcome, one.correct, one.reason) == ("rejected", None, "mutate: no <problem> tags")
    (key,) = browse.find(index, Filter(order="hardest"), None, 1).keys
    (one,) = browse.listed(index, [key])
    assert (one.correct or 0) / (one.decided or 1) == rate(index, one.id)


def test_children_are_found_from_their_parent(index: Index, ledger: Reader) -> None:
    for parent, wanted in ledger.query("SELECT parent, count(DISTINCT child) FROM parentage GROUP BY parent"):
        key = browse.key_of(index, parent)
        assert key
        family = browse.children(index, key, 3)
        assert family.children == wanted
        assert len(family.some) == min(3, wanted)


def test_anyone_is_one_of_those_wanted(index: Index) -> None:
    rng, wanted = Random(1), Filter(outcome="rejected")
    found = {browse.anyone(index, wanted, rng) for _ in range(40)}
    assert None not in found
    assert found <= set(browse.find(index, wanted, None, 500).keys)
    assert len(found) > 1
    assert browse.anyone(index, Filter(outcome="disputed"), rng) is None


def test_too_many_names_are_counted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_NAMES", 2)
    names = counting.Names("others")
    assert [names.number(name) for name in "abcab"] == [1, 2, 0, 1, 2]
    assert names.most_frequent(5) == [1, 2, 0]
