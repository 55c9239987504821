"""What a run adds up to is what its records add up to."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sparq_core.ledger import overview, storage
from sparq_core.ledger.reader import Reader
from sparq_core.testing import Ran, run_pipeline


@pytest.fixture
def ran(sums: Callable[..., Any], tmp_path: Any) -> Ran:
    return run_pipeline(sums("map-elites", rounds=2, steps=4), tmp_path)


def test_children_by_operator_and_parent(ran: Ran) -> None:
    with ran.read() as ledger:
        children = [s.child for s in ledger.solved([1, 2], outcome=None)]
        made, kept = (
            Counter(child.problem.operator for child in some)
            for some in (children, [child for child in children if child.outcome == "kept"])
        )
        told = overview.operators(ledger)
        assert {name: found.children for name, found in told.items()} == made
        assert {name: found.kept for name, found in told.items()} == kept
        (parent, often), *_ = Counter(id_ for child in children for id_ in child.problem.parents).most_common()
        assert overview.children_of(ledger, parent, 1) == overview.children_of(ledger, parent, 100)[:1]
        assert len(overview.children_of(ledger, parent, 100)) == often


def test_what_comes_after_the_first_kept_children(ran: Ran) -> None:
    with ran.read() as ledger:
        kept = [s.child.problem.id for s in ledger.solved([1, 2])]
        assert list(overview.kept_after(ledger, 5)) == kept[5:]
        assert list(overview.kept_after(ledger, len(kept))) == []


def test_rounds_and_their_counters(ran: Ran) -> None:
    with ran.read() as ledger:
        assert overview.rounds(ledger) == [0, 1, 2]
        assert [overview.tally_after(ledger, r).children for r in (0, 1, 2, 3)] == [0, 24, 48, 0]
        assert overview.tally_after(ledger, 2) == ledger.tally()
        assert [(round_, name) for round_, name, _ in overview.phases(ledger)] == [(1, "curate"), (2, "curate")]
        assert overview.compared(ledger) == {}


def test_children_that_could_not_be_read_come_with_what_was_written(ran: Ran) -> None:
    with ran.read() as ledger:
        found = overview.unread(ledger, 100)
        assert all("<problem>" in one.text and not one.cut_short for one in found)
        assert len(found) == ledger.tally().unparsed > 0
        assert overview.unread(ledger, 1) == found[:1]


def test_the_first_answers_are_one_of_each_kind(ran: Ran) -> None:
    with ran.read() as ledger:
        kinds = [(answer.hook, answer.plugin) for answer in overview.first_answers(ledger, 1)]
        assert ("propose", "mutate") in kinds
        assert kinds[-1] == ("describe", "skills")
        problem = overview.first_attempted(ledger, 1)
        assert problem is not None
        assert ledger.judged(problem)
        assert overview.first_attempted(ledger, 9) is None


@pytest.mark.parametrize(
    ("values", "is_labels"),
    [
        (['["a", "b"]', "[]"], True),
        (["[]"], True),
        (['["a"]', "null"], True),
        (["[0.5, 0.25]"], False),
        (['["a"]', '"a"'], True),
        (['"a"', "1.5"], False),
        (["1.5"], False),
        (['{"a": "b"}'], False),
    ],
)
def test_which_descriptors_are_labels(values: list[str], is_labels: bool) -> None:
    connection = storage.create(":memory:")
    rows = [(f"1.1.{i}", value) for i, value in enumerate(values)]
    connection.executemany("INSERT INTO descriptor VALUES (1, ?, 'key', ?)", rows)
    with Reader(connection) as ledger:
        assert ledger.descriptors() == {"key": is_labels}
