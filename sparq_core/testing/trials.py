"""What plugins are played: problems, attempts that any verifier may meet, and models that answer badly."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from sparq_core.contract.answers import last_boxed
from sparq_core.contract.records import Attempt, Case, Counts, Finish, Judged, Problem, Trial, Verdict
from sparq_core.contract.sampling import Completion, Request

TEXTS = (
    "So the answer is \\boxed{1}.",
    "It is \\boxed{2}, or rather \\boxed{7}.",
    "I do not know.",
    "",
    "#### 1",
    "\\boxed{",
    "La réponse est \\boxed{１}，也就是一。 𝟙 \x00 \u202e",
    "<answer><" * 2000 + "\\boxed{" * 2000,
)
"""Attempts that any verifier may meet."""
CUT = "{"
"""What a text ends in that is played as cut short."""


def problem(number: int = 0, **fields: Any) -> Problem:
    """A small valid problem for tests; any field may be given."""
    return Problem(
        **{"id": f"1.1.{number}", "statement": f"What is {number} + 1?", "answer": str(number + 1), **fields}
    )


def with_and_without_answer(problems: Sequence[Problem]) -> list[Problem]:
    """The problems as given, and without a reference answer."""
    return [*problems, *(replace(p, answer=None) for p in problems)]


def cases(problems: Sequence[Problem]) -> list[Case]:
    """Each problem with attempts, and without any."""
    return [_case(problem, texts) for problem in problems for texts in (TEXTS, ())]


def trials(problems: Sequence[Problem]) -> list[Trial]:
    """Every text as an attempt at each problem, its own solution among them."""
    return [
        Trial(problem, judged.attempt)
        for problem in with_and_without_answer(problems)
        for judged in _case(problem, [problem.solution, *TEXTS]).judged
    ]


def first_is_right(trials: Sequence[Trial]) -> list[Verdict]:
    """Stands for a run's verifiers."""
    return [Verdict(value="incorrect" if trial.attempt.k else "correct", answer="1") for trial in trials]


def boxed_is_right(trials: Sequence[Trial]) -> list[Verdict]:
    """Stands for verifiers that go by what is said: the last box is compared with the reference answer, letter by letter."""
    said = [last_boxed(trial.attempt.text) for trial in trials]
    return [
        Verdict(value="correct" if answer == trial.problem.answer else "incorrect", answer=answer)
        for trial, answer in zip(trials, said, strict=True)
    ]


def _case(problem: Problem, texts: Sequence[str]) -> Case:
    attempts = [
        Attempt(k=k, seed=k, text=text, finish="length" if text.endswith(CUT) else "stop", tokens=len(text.split()))
        for k, text in enumerate(texts)
    ]
    verdicts = first_is_right([Trial(problem, attempt) for attempt in attempts])
    counts = Counts(min(1, len(texts)), max(0, len(texts) - 1))
    return Case(problem, tuple(map(Judged, attempts, verdicts)), counts, counts.solve_rate)


class BadModel:
    """A sampler whose every answer is the same text, ended in the same way."""

    deterministic = True
    digest = "bad"

    def __init__(self, text: str, finish: Finish) -> None:
        self._answer = Completion(text=text, finish=finish, tokens=len(text.split()))

    def sample(self, requests: Sequence[Request]) -> list[list[Completion]]:
        """That answer, as often as is asked for."""
        return [[self._answer] * request.n for request in requests]

    def close(self) -> None:
        """Nothing to free."""


def bad_models() -> Iterator[tuple[str, BadModel]]:
    """Models that answer nothing, refuse, are cut in the midst of a mark, or babble; each with what it does."""
    yield "says nothing", BadModel("", "stop")
    yield "refuses", BadModel("", "refused")
    yield "is cut short", BadModel("<problem>What is 1 + <solution>\\boxed{", "length")
    for text in TEXTS:
        yield f"says {text[:40]!r}", BadModel(text, "stop")
