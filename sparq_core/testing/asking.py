"""Asking a question more than once, one after the other and by several threads at once: the answers must be the same."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

from sparq_core.contract.errors import SparqError

Ask = Callable[[], Sequence[Any]]
THREADS, MOST, SECONDS = 8, 10, 0.3
"""So many threads ask, each so often at most, and not again after so long."""
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
        for i, again in _at_once(questions):
            alike(answers[i], list(again), what)
    except SparqError as error:
        raise AssertionError(f"{what}: {error}") from error
    return answers


def alike(first: Sequence[Any], again: Sequence[Any], what: str) -> None:
    """AssertionError, with the first that differs, where two lists of answers are not the same."""
    differ = [pair for pair in zip_longest(first, again) if pair[0] != pair[1]]
    assert not differ, f"{what}: {differ[0][0]!r}, then {differ[0][1]!r}"


def parts(batch: Sequence[Any]) -> list[Sequence[Any]]:
    """A batch, its reverse and its halves: what different steps would ask."""
    half = (len(batch) + 1) // 2
    return [batch, batch[::-1], batch[:half], batch[-half:]]


def _at_once(questions: Sequence[Ask]) -> list[tuple[int, Sequence[Any]]]:
    """What threads are answered that begin together, each with one of the questions, and ask it again while there is time."""
    together = threading.Barrier(THREADS)

    def work(thread: int) -> list[tuple[int, Sequence[Any]]]:
        asked, answers = thread % len(questions), list[tuple[int, Sequence[Any]]]()
        together.wait()
        began = time.monotonic()
        while not answers or (len(answers) < MOST and time.monotonic() < began + SECONDS):
            answers.append((asked, questions[asked]()))
        return answers

    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            return [answer for answers in pool.map(work, range(THREADS)) for answer in answers]
    finally:
        sys.setswitchinterval(before)
