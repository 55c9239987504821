"""The exact interval of a solve rate: it covers at its level, and remembering it changes nothing."""

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.ledger.intervals import _exact, mean_difference, proportion, solve_rate_interval

NUMBERS = st.integers(0, 40)


@given(NUMBERS, NUMBERS, NUMBERS)
@settings(deadline=None)
def test_a_remembered_interval_is_the_bisected_one(correct: int, incorrect: int, unknown: int) -> None:
    bisected = _exact.__wrapped__(correct, correct + incorrect)
    for _ in range(2):
        assert solve_rate_interval(sparq.Counts(correct, incorrect, unknown)) == bisected


@given(st.integers(1, 40), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_intervals_cover_at_least_at_their_level(n: int, p: float) -> None:
    covered = sum(
        comb(n, k) * p**k * (1 - p) ** (n - k)
        for k in range(n + 1)
        if solve_rate_interval(sparq.Counts(k, n - k)).low <= p <= solve_rate_interval(sparq.Counts(k, n - k)).high
    )
    assert covered >= 0.95 - 1e-9


def test_the_interval_of_nothing_is_everything() -> None:
    assert solve_rate_interval(sparq.Counts(unknown=3)).high == 1.0
    assert solve_rate_interval(sparq.Counts(0, 16)).low == 0.0
    assert solve_rate_interval(sparq.Counts(0, 16)).high == pytest.approx(0.2059, abs=1e-4)


def test_the_interval_of_yes_and_no_is_wilsons() -> None:
    interval = proportion([1.0] * 2 + [0.0] * 8)
    assert (interval.low, interval.high) == pytest.approx((0.0567, 0.5098), abs=1e-4)
    assert proportion([0.0] * 10).high == pytest.approx(0.2775, abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(deadline=None)
def test_values_between_yes_and_no_have_no_wider_an_interval(values: list[float]) -> None:
    interval = proportion(values)
    n, p = len(values), interval.mean
    half = 1.96 * (p * (1 - p) / n + 1.96**2 / (4 * n * n)) ** 0.5 / (1 + 1.96**2 / n)
    assert interval.low - 1e-9 <= p <= interval.high + 1e-9
    assert interval.high - interval.low <= 2 * half + 1e-6


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_values_that_are_all_alike_are_not_certain(value: float) -> None:
    few, many = proportion([value] * 2), proportion([value] * 200)
    assert few.high - few.low > 0.5
    assert 0.01 < many.high - many.low < 0.15
    assert few.low <= value <= few.high


def test_differences_that_are_all_alike_are_not_certain() -> None:
    few, many = (mean_difference([0.0] * n, [0.0] * n) for n in (10, 300))
    assert (few.mean, few.low, few.high) == pytest.approx((0.0, -0.2775, 0.2775), abs=1e-4)
    assert many.high == pytest.approx(0.0126, abs=1e-4)
    assert mean_difference([0.0], [1.0]).low < 0.5
