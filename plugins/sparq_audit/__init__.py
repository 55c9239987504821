"""A second model's opinion of problems: it solves them itself, without a look at the generator's solution."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from msgspec import Meta
from msgspec.structs import replace

import sparq_core as sparq

T = TypeVar("T")
Verify = Callable[[Sequence[sparq.Trial]], Sequence[sparq.Verdict]]


class SecondOpinionConfig(sparq.Sampling, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `second-opinion`."""

    solutions: Annotated[sparq.Positive, Meta(description="Number of times the model solves each problem.")] = 5
    agree: Annotated[
        float,
        Meta(
            ge=0.5,
            lt=1,
            description="More than this share of its solutions must agree; otherwise the problem is unknown.",
        ),
    ] = 0.5
    prompt: Annotated[
        str | None, Meta(description="Template; may use `problem`. By default the run's own `attempts.prompt`.")
    ] = None


class SecondOpinion:
    """
    Finds a problem valid where most solutions of a second model give its reference answer.

    It is invalid where most give one other answer. Where they do not agree, or the problem has no reference, nothing is said: a
    model that cannot solve a problem has no opinion of it. Answers are compared by the run's own verifiers.
    """

    def __init__(self, config: SecondOpinionConfig) -> None:
        self._config = config
        self._prompt = config.prompt or ""

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        if self._config.prompt is not None:
            sparq.check_template(self._config.prompt, "second-opinion.with.prompt", problem=sparq.DUMMY_PROBLEM)
        return []

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        self._prompt = self._config.prompt or run.pipeline.attempts.prompt

    @sparq.hookimpl
    def audit(self, problems: Sequence[sparq.Problem], auditor: sparq.RoleModel, verify: Verify) -> list[sparq.Verdict]:
        solutions = self._solved(problems, auditor)
        said = _in_groups(verify([trial for trials in solutions for trial in trials]), self._config.solutions)
        rivals = [_rival(verdicts) for verdicts in said]
        backing = _backing(solutions, said, rivals, verify)
        return [
            self._opinion(problem, verdicts, rival, n)
            for problem, verdicts, rival, n in zip(problems, said, rivals, backing, strict=True)
        ]

    def _solved(self, problems: Sequence[sparq.Problem], auditor: sparq.RoleModel) -> list[list[sparq.Trial]]:
        """The model's own solutions of each problem."""
        n = self._config.solutions
        prompts = [sparq.render(self._prompt, "second-opinion.with.prompt", problem=problem) for problem in problems]
        completions = auditor.complete([prompt for prompt in prompts for _ in range(n)], self._config)
        return [
            [
                sparq.Trial(problem, sparq.Attempt(k=k, seed=c.seed, text=c.text, finish=c.finish, tokens=c.tokens))
                for k, c in enumerate(own)
            ]
            for problem, own in zip(problems, _in_groups(completions, n), strict=True)
        ]

    def _opinion(
        self, problem: sparq.Problem, verdicts: Sequence[sparq.Verdict], rival: str | None, backing: int
    ) -> sparq.Verdict:
        of, right = len(verdicts), sum(verdict.value == "correct" for verdict in verdicts)
        if problem.answer is None:
            return sparq.Verdict(value="unknown", reason="no reference answer")
        if right > self._config.agree * of:
            return sparq.Verdict(value="correct", reason=f"{right} of {of} give the reference", answer=problem.answer)
        if backing > self._config.agree * of:
            return sparq.Verdict(value="incorrect", reason=f"{backing} of {of} give another answer", answer=rival)
        return sparq.Verdict(value="unknown", reason=f"no majority: {right} of {of} give the reference")


def _in_groups(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _rival(verdicts: Sequence[sparq.Verdict]) -> str | None:
    """The most frequent answer other than the reference, as it is written; the earlier one of equals."""
    votes = Counter(v.answer for v in verdicts if v.value == "incorrect" and v.answer is not None)
    return max(votes, key=votes.__getitem__) if votes else None


def _backing(
    solutions: Sequence[Sequence[sparq.Trial]],
    said: Sequence[Sequence[sparq.Verdict]],
    rivals: Sequence[str | None],
    verify: Verify,
) -> list[int]:
    """How many solutions of each problem give its rival answer, however they write it: verified as if it were the reference."""
    asked = [
        (i, sparq.Trial(replace(trial.problem, answer=rivals[i]), trial.attempt))
        for i, (trials, verdicts) in enumerate(zip(solutions, said, strict=True))
        for trial, verdict in zip(trials, verdicts, strict=True)
        if rivals[i] is not None and verdict.value == "incorrect"
    ]
    agreed = verify([trial for _, trial in asked])
    found = Counter(i for (i, _), verdict in zip(asked, agreed, strict=True) if verdict.value == "correct")
    return [found[i] for i in range(len(solutions))]
