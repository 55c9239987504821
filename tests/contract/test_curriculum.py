"""Problems near a mean solve rate, and a mean that moves over the steps of a training."""

from random import Random
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq

RATES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
SHARE = st.floats(0, 1)


@given(RATES, st.integers(1, 6), st.integers(1, 15), SHARE, SHARE, st.floats(1e-3, 1), st.integers())
def test_each_step_has_a_whole_batch_of_different_problems(
    rates: list[float], steps: int, batch: int, start: float, end: float, spread: float, seed: int
) -> None:
    plan = sparq.curriculum(rates, steps, batch, start, end, spread, Random(seed))
    assert [len(places) for places in plan] == [batch] * steps
    for places in plan:
        assert len(set(places)) == min(batch, len(rates))
        assert set(places) <= set(range(len(rates)))
    assert plan == sparq.curriculum(rates, steps, batch, start, end, spread, Random(seed))


def test_the_mean_solve_rate_moves_from_one_end_to_the_other() -> None:
    rates = [i / 200 for i in range(201)]
    plan = sparq.curriculum(rates, 5, 20, 0.8, 0.2, 0.05, Random(1))
    means = [fmean(rates[place] for place in places) for places in plan]
    for mean, wanted in zip(means, (0.8, 0.65, 0.5, 0.35, 0.2), strict=True):
        assert abs(mean - wanted) < 0.05


def test_a_single_step_is_at_the_start() -> None:
    assert sparq.curriculum([0.1, 0.9], 1, 1, 0.9, 0.1, 0.05, Random(1)) == [[1]]


def test_problems_without_a_rate_are_left_out() -> None:
    plan = sparq.curriculum([None, 0.9, None, 0.1], 2, 2, 0.9, 0.1, 0.05, Random(1))
    assert [sorted(places) for places in plan] == [[1, 3], [1, 3]]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("steps", 0, "at least 1, not 0 and 1"),
        ("batch", 0, "at least 1, not 1 and 0"),
        ("start", 2.0, r"from 0 to 1, not 2\.0 or 0\.2"),
        ("end", -0.2, r"from 0 to 1, not 0\.8 or -0\.2"),
        ("spread", 0.0, "spread must be above 0"),
        ("rates", [None], "no solve rate"),
    ],
)
def test_what_cannot_be_ordered_is_refused(name: str, value: Any, message: str) -> None:
    sound: dict[str, Any] = {"rates": [0.5], "steps": 1, "batch": 1, "start": 0.8, "end": 0.2, "spread": 0.1}
    with pytest.raises(ValueError, match=message):
        sparq.curriculum(**{**sound, name: value}, rng=Random(1))


@given(RATES, SHARE, st.floats(1e-3, 1), st.integers())
def test_a_part_of_the_order_is_its_beginning(rates: list[float], mean: float, spread: float, seed: int) -> None:
    order = sparq.near_mean(rates, mean, spread, Random(seed))
    assert sorted(order) == list(range(len(rates)))
    assert sparq.near_mean(rates, mean, spread, Random(seed), 3) == order[:3]


def test_what_is_near_the_mean_is_first_as_often_as_its_weight_says() -> None:
    """Two values, of which one has e^(-1/2) times the weight of the other."""
    first = [sparq.near_mean([0.5, 0.6], 0.5, 0.1, Random(seed))[0] for seed in range(4000)]
    assert abs(first.count(0) / 4000 - 1 / (1 + 2.718281828**-0.5)) < 0.03
