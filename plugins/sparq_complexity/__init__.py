"""How complex a problem looks, in numbers that niches can be cut by (after the complexity attributes of EvoTD, 2605.11666)."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import sparq_core as sparq

NUMBER = re.compile(r"\d[\d,]*")


class Complexity:
    """
    Describes each problem by attributes of its statement and of the solution that came with it.

    `numbers`: how many different whole numbers the statement has. `digits`: how many the longest of them has. `words`: of the
    statement. `lines`: of the solution that are not empty; 0 where there is none. No model is asked.

    They are meant as a second axis beside skills: `niches: {skills: {}, lines: {bins: 5, low: 1, high: 11}}`.
    """

    describes: ClassVar[Sequence[str]] = ("numbers", "digits", "words", "lines")

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, Any]]:
        return [_attributes(case.problem) for case in cases]


def _attributes(problem: sparq.Problem) -> dict[str, int]:
    numbers = {found.replace(",", "") for found in NUMBER.findall(problem.statement)}
    return {
        "numbers": len(numbers),
        "digits": max(map(len, numbers), default=0),
        "words": len(problem.statement.split()),
        "lines": sum(bool(line.strip()) for line in problem.solution.splitlines()),
    }
