"""The exact interval of a solve rate."""

from hypothesis import given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.ledger.intervals import _exact, solve_rate_interval

NUMBERS = st.integers(0, 40)


@given(NUMBERS, NUMBERS, NUMBERS)
@settings(deadline=None)
def test_a_remembered_interval_is_the_bisected_one(correct: int, incorrect: int, unknown: int) -> None:
    bisected = _exact.__wrapped__(correct, correct + incorrect)
    for _ in range(2):
        assert solve_rate_interval(sparq.Counts(correct, incorrect, unknown)) == bisected
