"""Answer checks: the final answer is read from a solution and compared with the reference."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, field

import sparq_core as sparq
from sparq_sandbox import available
from sparq_sympy.checker import Checker, equivalent
from sparq_sympy.decide import VERSION, Decision
from sparq_sympy.equality.compare import Conventions
from sparq_sympy.reading.final_answer import MARKERS, Found, final_answer

__all__ = ["VERSION", "Checker", "Conventions", "Decision", "Found", "Sympy", "equivalent", "final_answer"]


class SympyConfig(Conventions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `sympy`."""

    workers: Annotated[
        int, Meta(ge=1, description="Number of processes that run math-verify on pairs that are not decided at once.")
    ] = 2
    deadline: Annotated[
        float, Meta(gt=0, description="CPU seconds per comparison in them; after that it is unknown.")
    ] = 0.5
    markers: Annotated[
        list[str],
        Meta(description="Phrases that introduce the final answer, if there is no \\boxed{} and no ####."),
    ] = field(default_factory=lambda: list(MARKERS))
    truncated: Annotated[
        Literal["unknown", "incorrect"],
        Meta(
            description="What an attempt is that was cut before its final answer. As incorrect it counts as a failure, so that "
            "the solve rate is a share of all K (paper)."
        ),
    ] = "unknown"


class Sympy:
    """
    Compares final answers: normalised text, exact numbers, values at points, then math-verify over sympy in other processes.

    A completion that ended by itself without a final answer is `incorrect: no-answer`; a truncated one is `unknown`, unless
    `truncated` says otherwise, as is whatever runs into a limit. Text of a model is never evaluated in this process.
    """

    requires: ClassVar[Mapping[str, str]] = {"math_verify": "sparq-engine[sympy]", "mpmath": "sparq-engine[sympy]"}
    version: ClassVar[str] = VERSION

    def __init__(self, config: SympyConfig) -> None:
        self._markers, self._truncated = tuple(config.markers), config.truncated
        self._checker = Checker(config, workers=config.workers, deadline=config.deadline)

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        state = available()
        if state:
            return []
        message = f"its processes have limits but are not confined, for {state.why}; in a container that matters less"
        return [sparq.Finding(level="note", place="use", message=message)]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        decided: dict[tuple[str, str], Decision] = {}
        return [self._verify(trial, decided) for trial in trials]

    def equivalent(self, gold: str, answer: str) -> Decision:
        """Whether an answer equals the reference, under this plugin's conventions."""
        return self._checker.equivalent(gold, answer)

    @sparq.hookimpl
    def stop(self) -> None:
        self._checker.close()

    def _verify(self, trial: sparq.Trial, decided: dict[tuple[str, str], Decision]) -> sparq.Verdict | None:
        reference, attempt = trial.problem.answer, trial.attempt
        if reference is None:
            return None
        found = final_answer(attempt.text, self._markers)
        if found is None:
            return self._without_answer(attempt)
        if found.hedged:
            return sparq.Verdict(value="unknown", reason="hedged", answer=found.answer)
        if (reference, found.answer) not in decided:
            decided[reference, found.answer] = self.equivalent(reference, found.answer)
        decision = decided[reference, found.answer]
        return sparq.Verdict(value=decision.value, reason=decision.reason, answer=found.answer)

    def _without_answer(self, attempt: sparq.Attempt) -> sparq.Verdict:
        if attempt.finish == "stop":
            return sparq.Verdict(value="incorrect", reason="no-answer")
        if attempt.finish == "length":
            return sparq.Verdict(value=self._truncated, reason="truncated")
        return sparq.Verdict(value="unknown", reason=attempt.finish)
