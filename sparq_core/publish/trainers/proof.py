"""
The test that a problem passes before it is exported: the reward takes its reference for right, and a wrong answer for wrong.

A reference that the reward cannot read would give every completion the same reward, which no trainer tells.
"""

from collections.abc import Sequence
from itertools import islice

from msgspec.structs import replace

from sparq_core.contract.records import Judged, Problem, Verdict
from sparq_core.publish.trainers.row import Given

OTHERS = 4
"""References that stand in for a wrong attempt where a problem has none."""


class References:
    """The references of an export's problems, each tested by the reward that the trainer will use."""

    def __init__(self, given: Given, ids: Sequence[str]) -> None:
        self._given = given
        self._others = _some_references(given, ids)

    def proved(self, problem: Problem) -> str | None:
        """The reference as a solution states it; None where it fails the test, which is then noted."""
        judged = self._given.ledger.judged(problem.id)
        right, wrong = right_texts(problem, judged), wrong_texts(problem, judged, self._others)
        seen = problem if self._given.carries_extra else replace(problem, extra={})
        first, other = self._given.grade([(seen, right[0]), (seen, wrong[0])])
        solution = right[0] if first.value == "correct" else self._first(seen, right[1:], "correct")
        if solution is None:
            unseen = "" if self._given.carries_extra or not problem.extra else " (this format passes no `extra`)"
            self._given.left_out[problem.id] = f"its reference is {_told(first)}{unseen}"
        elif other.value != "incorrect" and self._first(seen, wrong[1:], "incorrect") is None:
            self._given.left_out[problem.id] = f"a wrong answer is {_told(other)}"
        else:
            return solution
        return None

    def _first(self, problem: Problem, texts: Sequence[str], value: str) -> str | None:
        """The first of these texts that is judged so."""
        return next((text for text in texts if self._given.grade([(problem, text)])[0].value == value), None)


def _some_references(given: Given, ids: Sequence[str]) -> list[str]:
    """A few references that are written differently."""
    found: dict[str, None] = {}
    for id_ in ids:
        if answer := given.ledger.child(id_).problem.answer:
            found[answer] = None
        if len(found) == OTHERS:
            break
    return list(found)


def right_texts(problem: Problem, judged: Sequence[Judged]) -> list[str]:
    r"""
    How a solution may state the reference: in a box, as it is, as the problem's own solution does.

    Without a reference a problem is solved by its own solution, or by a correct attempt.
    """
    if problem.answer is not None:
        stated = [boxed(problem.answer), problem.answer, problem.solution]
    else:
        correct = (one.attempt.text for one in judged if one.verdict.value == "correct")
        stated = [problem.solution, *islice(correct, 1)]
    return list(filter(str.strip, stated)) or [""]


def wrong_texts(problem: Problem, judged: Sequence[Judged], others: Sequence[str]) -> list[str]:
    """An incorrect attempt; without one, references of other problems, of which one is surely wrong."""
    incorrect = next((one.attempt.text for one in judged if one.verdict.value == "incorrect"), None)
    if incorrect is not None:
        return [incorrect]
    return [boxed(other) for other in others if other != problem.answer] or [""]


def boxed(answer: str) -> str:
    r"""An answer as `\boxed{…}`, which is how TRL's own reward can read it."""
    return f"\\boxed{{{answer}}}"


def _told(verdict: Verdict) -> str:
    return f"{verdict.value}: {verdict.reason}" if verdict.reason else verdict.value
