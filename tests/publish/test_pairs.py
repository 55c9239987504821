"""Right and wrong attempts in pairs: matched in length, each used once, as many as there can be."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.publish.pairs import matched, matched_pairs

VALUES = ("correct", "incorrect", "unknown")
WITHIN = 1.3


def judged(*attempts: tuple[str, int], texts: dict[int, str] | None = None) -> list[sparq.Judged]:
    """Attempts by verdict and tokens, each with a text of its own where none is given."""
    return [
        sparq.Judged(
            sparq.Attempt(k=k, seed=k, text=(texts or {}).get(k, f"{k}"), finish="stop", tokens=tokens),
            sparq.Verdict(value=value),  # type: ignore[arg-type]  # one of VALUES
        )
        for k, (value, tokens) in enumerate(attempts)
    ]


def most_pairs(right: list[int], wrong: list[int]) -> int:
    """The most pairs there can be, by trying all."""
    few, many = sorted((right, wrong), key=len)
    return max(
        sum(max(a, b) <= WITHIN * min(a, b) for a, b in zip(few, order, strict=False))
        for order in permutations(many, len(few))
    )


@given(st.lists(st.tuples(st.sampled_from(VALUES), st.integers(1, 30)), max_size=8))
def test_pairs_are_as_many_as_lengths_allow_and_use_each_attempt_once(attempts: list[tuple[str, int]]) -> None:
    pairs = matched_pairs(judged(*attempts), within=WITHIN)
    right = [tokens for value, tokens in attempts if value == "correct"]
    wrong = [tokens for value, tokens in attempts if value == "incorrect"]
    assert len(pairs) == most_pairs(right, wrong)
    used = [attempt.k for pair in pairs for attempt in (pair.right, pair.wrong)]
    assert len(set(used)) == len(used)
    for pair in pairs:
        assert (attempts[pair.right.k][0], attempts[pair.wrong.k][0]) == ("correct", "incorrect")
        shorter, longer = sorted((pair.right.tokens, pair.wrong.tokens))
        assert longer <= WITHIN * shorter or longer == 0
    assert [pair.right.k for pair in pairs] == sorted(pair.right.k for pair in pairs)


def test_a_limit_leaves_the_best_matched() -> None:
    attempts = judged(("correct", 10), ("correct", 40), ("incorrect", 12), ("incorrect", 40))
    assert len(matched_pairs(attempts)) == 2
    (pair,) = matched_pairs(attempts, most=1)
    assert (pair.right.k, pair.wrong.k) == (1, 3)


def test_a_text_that_was_drawn_twice_is_in_one_pair() -> None:
    attempts = judged(("correct", 9), ("correct", 9), ("incorrect", 9), ("incorrect", 9), texts={0: "so", 1: "so"})
    assert [(pair.right.k, pair.wrong.k) for pair in matched_pairs(attempts)] == [(0, 2)]


@pytest.mark.parametrize("only", VALUES)
def test_without_both_kinds_there_is_no_pair(only: str) -> None:
    assert matched_pairs(judged((only, 9), (only, 9), ("unknown", 9))) == []


def test_attempts_of_no_tokens_match_each_other_alone() -> None:
    assert len(matched_pairs(judged(("correct", 0), ("incorrect", 0), ("incorrect", 1)))) == 1
    assert matched_pairs(judged(("correct", 0), ("incorrect", 1))) == []


def test_texts_are_matched_by_length_the_nearest_first() -> None:
    right, wrong = ["a" * n for n in (10, 50, 90)], ["b" * n for n in (12, 49, 300)]
    assert [(len(a), len(b)) for a, b in matched(right, wrong, len)] == [(50, 49), (10, 12)]
    assert matched(right, wrong, len, most=1) == [(right[1], wrong[1])]
    assert matched(right, [], len) == []
