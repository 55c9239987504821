"""Answer checks: the final answer is read from a solution and compared with the reference."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

import sparq_core as sparq
from sparq_sympy.extract import final_answer
from sparq_sympy.numbers import normal, number
from sparq_sympy.pool import Pool

__all__ = ["Sympy", "final_answer"]

LONGEST = 2_000


class SympyConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `sympy`."""

    workers: Annotated[int, Meta(ge=1, description="Processes that compare what is not decided at once.")] = 2
    deadline: Annotated[float, Meta(gt=0, description="Seconds a comparison may take; then it is unknown.")] = 5.0


class Sympy:
    """
    Compares final answers: normalised text, exact numbers, then math-verify over sympy in worker processes.

    A completion that ended by itself without a final answer is `incorrect: no-answer`; a truncated one is `unknown`, as is
    whatever runs into a limit. Text of a model is never evaluated in this process.
    """

    requires: ClassVar[Mapping[str, str]] = {"math_verify": "sparq-engine[sympy]"}

    def __init__(self, config: SympyConfig) -> None:
        self._pool = Pool(config.workers, config.deadline)

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        decided: dict[tuple[str, str], tuple[sparq.Value, str]] = {}
        return [self._verify(trial, decided) for trial in trials]

    @sparq.hookimpl
    def stop(self) -> None:
        self._pool.close()

    def _verify(
        self, trial: sparq.Trial, decided: dict[tuple[str, str], tuple[sparq.Value, str]]
    ) -> sparq.Verdict | None:
        reference, attempt = trial.problem.answer, trial.attempt
        if reference is None:
            return None
        answer = final_answer(attempt.text)
        if answer is None:
            return _no_answer(attempt)
        if (reference, answer) not in decided:
            decided[reference, answer] = self._compare(reference, answer)
        value, reason = decided[reference, answer]
        return sparq.Verdict(value=value, reason=reason, answer=answer)

    def _compare(self, reference: str, answer: str) -> tuple[sparq.Value, str]:
        left, right = normal(reference), normal(answer)
        if left == right:
            return "correct", "same"
        if len(left) > LONGEST or len(right) > LONGEST:
            return "unknown", "too-long"
        numbers = number(left), number(right)
        if numbers[0] is not None and numbers[1] is not None:
            return ("correct" if numbers[0] == numbers[1] else "incorrect"), "number"
        said = self._pool.compare(reference, answer)
        return ("correct" if said == "equal" else "incorrect" if said == "different" else "unknown"), (
            "sympy" if said in {"equal", "different"} else said
        )


def _no_answer(attempt: sparq.Attempt) -> sparq.Verdict:
    if attempt.finish == "stop":
        return sparq.Verdict(value="incorrect", reason="no-answer")
    return sparq.Verdict(value="unknown", reason="truncated" if attempt.finish == "length" else attempt.finish)
