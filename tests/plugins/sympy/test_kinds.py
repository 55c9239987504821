"""Kinds of answers, pair by pair; and of any texts: the same both ways, equal to themselves, bounded, no exception."""

import random
import time
from collections.abc import Iterator

import assorted
import blind
import pytest
from answer_pairs import answer_pair, odd_text
from kinds import KINDS
from spelled import KINDS as SPELLED

from sparq_sympy import Checker
from sparq_sympy.decide import decide
from sparq_sympy.equality.compare import Conventions
from sparq_sympy.math_verify.trust import is_read
from sparq_sympy.reading.answer import read

EQUAL = [(kind, *pair) for kind, pairs in (KINDS | SPELLED | blind.KINDS).items() for pair in pairs.equal]
DIFFERENT = [(kind, *pair) for kind, pairs in (KINDS | SPELLED | blind.KINDS).items() for pair in pairs.different]
EQUAL += [("assorted", *pair) for pair in assorted.EQUAL]
DIFFERENT += [("assorted", *pair) for pair in assorted.DIFFERENT]


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    made = Checker(workers=1)
    yield made
    made.close()


def both_ways(checker: Checker, gold: str, answer: str) -> list[str]:
    return [checker.equivalent(gold, answer).value, checker.equivalent(answer, gold).value]


@pytest.mark.parametrize(("kind", "gold", "answer"), EQUAL)
def test_a_kind_of_answer_is_recognised(checker: Checker, kind: str, gold: str, answer: str) -> None:
    assert both_ways(checker, gold, answer) == ["correct", "correct"]


@pytest.mark.parametrize(("kind", "gold", "answer"), DIFFERENT)
def test_a_near_miss_is_never_equal(checker: Checker, kind: str, gold: str, answer: str) -> None:
    assert "correct" not in both_ways(checker, gold, answer)


def test_random_pairs_are_judged_as_they_were_made(checker: Checker) -> None:
    rng = random.Random(11)
    for _ in range(2_000):
        gold, answer, equal = answer_pair(rng)
        assert both_ways(checker, gold, answer) == ["correct" if equal else "incorrect"] * 2, (gold, answer)


def test_any_text_equals_itself_where_it_can_be_read_and_is_judged_the_same_both_ways() -> None:
    rng = random.Random(12)
    before = ""
    for _ in range(3_000):
        text = odd_text(rng)
        began = time.process_time()
        same = decide(text, text + " ", Conventions())
        there, back = decide(before, text, Conventions()), decide(text, before, Conventions())
        assert time.process_time() - began < 2, text
        if read(text).node is not None and text.strip():
            assert same is not None
            assert same.value == "correct", text
        if before.strip() and text.strip():
            assert (there and there.value) == (back and back.value), (before, text)
        before = text


@pytest.mark.parametrize(
    "text",
    [
        r"\begin{cases}1 & x>0\\2 & x<0\end{cases}",
        r"x \equiv 3 \pmod 5",
        r"3 \bmod 5",
        r"\text{half of } 12",
        r"1, 2, \ldots",
        r"\unknown{5}",
    ],
)
def test_what_math_verify_passes_over_is_not_handed_to_it(text: str) -> None:
    assert not is_read(text)
    assert is_read(r"\int_0^1 x^2 dx")
