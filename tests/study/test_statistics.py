"""Intervals of two crossed random factors hold what was planted as often as they say; corrections do what they should."""

import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparq_core.study.statistics import crossed, holm, slopes


def holds(interval: tuple[float, float] | None, truth: float) -> bool:
    assert interval is not None
    return interval[0] <= truth <= interval[1]


@pytest.mark.parametrize(
    ("units", "items", "of_units", "of_items"),
    [(5, 60, 0.05, 0.3), (5, 60, 0.0, 0.3), (8, 30, 0.2, 0.0), (1, 200, 0.0, 0.3)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(
    units: int, items: int, of_units: float, of_items: float
) -> None:
    rng, held, runs = random.Random(3), 0, 400
    for _ in range(runs):
        rows = [rng.gauss(0, of_units) for _ in range(units)]
        columns = [rng.gauss(0, of_items) for _ in range(items)]
        held += holds(crossed([[0.1 + r + c + rng.gauss(0, 0.4) for c in columns] for r in rows]).interval(), 0.1)
    assert 0.925 <= held / runs <= 0.99


def test_of_many_comparisons_all_hold_at_once() -> None:
    rng, held, runs = random.Random(4), 0, 300
    for _ in range(runs):
        every = [crossed([[rng.gauss(0, 1) for _ in range(30)] for _ in range(4)]).interval(8) for _ in range(8)]
        held += all(holds(interval, 0) for interval in every)
    assert held / runs >= 0.93


def test_where_nothing_differs_p_is_uniform() -> None:
    rng = random.Random(5)
    ps = [crossed([[rng.gauss(0, 1) for _ in range(40)] for _ in range(5)]).p for _ in range(400)]
    assert sum(p < 0.05 for p in ps) <= 32
    assert 0.4 < fmean(ps) < 0.65


def test_where_nothing_differs_nothing_is_claimed() -> None:
    for values in ([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [[0.5]], [[14.0], [14.0]]):
        assert crossed(values).interval() is None
        assert crossed(values).p == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_between_the_plain_and_the_bonferroni_value_and_keeps_the_order(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= q <= min(1.0, p * len(ps)) + 1e-12 for p, q in zip(ps, corrected, strict=True))
    order = sorted(range(len(ps)), key=ps.__getitem__)
    assert [corrected[i] for i in order] == sorted(corrected)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_slopes_are_those_of_the_line() -> None:
    assert slopes([1, 2, 3], [[[1.0, 5.0]], [[3.0, 4.0]], [[5.0, 3.0]]]) == [pytest.approx([2.0, -1.0])]
