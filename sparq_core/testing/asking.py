"""Asking a question more than once, one after the other and by several threads at once: the answers must be the same."""

import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

from sparq_core.contract.errors import SparqError

Ask = Callable[[], Sequence[Any]]
THREADS = 8
SWITCH = 1e-6
"""Seconds after which another thread goes on: so short that what they share is found out."""


def answers_again(hook: str, questions: Sequence[Ask]) -> list[list[Any]]:
    """The answers to questions; AssertionError where one has another answer when it is asked again."""
    answers = [list(ask()) for ask in questions]
    for ask, said in zip(questions, answers, strict=True):
        alike(said, list(ask()), f"{hook} answers the same input in two ways")
    return answers


def answers_at_once(hook: str, questions: Sequence[Ask]) -> list[list[Any]]:
    """As `answers_again`; the questions are asked by several threads besides."""
    answers, what = answers_again(hook, questions), f"{hook} answers otherwise when several threads ask at once"
    try:
        at_once = _at_once(list(questions) * THREADS)
    except SparqError as error:
        raise AssertionError(f"{what}: {error}") from error
    for said, again in zip(answers * THREADS, at_once, strict=True):
        alike(said, list(again), what)
    return answers


def alike(first: Sequence[Any], again: Sequence[Any], what: str) -> None:
    """AssertionError, with the first that differs, where two lists of answers are not the same."""
    differ = [pair for pair in zip_longest(first, again) if pair[0] != pair[1]]
    assert not differ, f"{what}: {differ[0][0]!r}, then {differ[0][1]!r}"


def parts(batch: Sequence[Any]) -> list[Sequence[Any]]:
    """A batch, its reverse and its halves: what different steps would ask."""
    half = (len(batch) + 1) // 2
    return [batch, batch[::-1], batch[:half], batch[-half:]]


def _at_once(questions: Sequence[Ask]) -> list[Sequence[Any]]:
    together = threading.Barrier(THREADS)

    def work(mine: Sequence[Ask]) -> list[Sequence[Any]]:
        together.wait()
        return [ask() for ask in mine]

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(work, [questions[i::THREADS] for i in range(THREADS)]))
    finally:
        sys.setswitchinterval(before)
    return [answers[i % THREADS][i // THREADS] for i in range(len(questions))]
