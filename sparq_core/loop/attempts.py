"""Attempts: drawn in waves, judged by the chain of verifiers, counted into a solve rate."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.randomness import derive
from sparq_core.contract.records import Assessment, Attempt, Case, Counts, Judged, Message, Problem, Trial
from sparq_core.contract.sampling import Completion, Place, Request, Sampler
from sparq_core.contract.templates import attempt_prompt
from sparq_core.loop.occupancy import Gauge
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.guards import Ration, Rationing

Attempted = tuple[Problem, tuple[Judged, ...], Ration]
"""A problem with its judged attempts and the ration they were drawn by."""


class Attempts:
    """Attempts problems until they have had their ration, and has the attempts assessed."""

    def __init__(
        self, cast: Cast, config: AttemptsConfig, seed: int, rationing: Rationing, grading: Gauge | None = None
    ) -> None:
        self._cast, self._config, self._seed, self._rationing = cast, config, seed, rationing
        self._grading = grading or Gauge()

    def ration_of(self, problem: Problem, parents: Mapping[str, Counts]) -> Ration:
        """How many attempts a problem gets, given how those at its parents came out."""
        known = [parents[id_] for id_ in problem.parents if id_ in parents]
        return self._rationing.ration(self._config.k, sum(known, Counts()))

    def draw(
        self, place: Place, problems: Sequence[Problem], rations: Sequence[Ration], sampler: Sampler
    ) -> list[tuple[Judged, ...]]:
        """All judged attempts at each problem, in order."""
        judged: list[list[Judged]] = [[] for _ in problems]
        while wave := [(i, n) for i, trials in enumerate(judged) if (n := rations[i].more(count(trials)))]:
            requests = [self._request(place, problems[i], n, len(judged[i])) for i, n in wave]
            answers = sampler.sample(requests)
            drawn = [
                (i, Trial(problems[i], _attempt(request, completion, len(judged[i]), j)))
                for (i, _), request, completions in zip(wave, requests, answers, strict=True)
                for j, completion in enumerate(completions)
            ]
            with self._grading:
                verdicts = self._cast.verify(str(place), [trial for _, trial in drawn])
            for (i, trial), verdict in zip(drawn, verdicts, strict=True):
                judged[i].append(Judged(trial.attempt, verdict))
        return [tuple(trials) for trials in judged]

    def assess(self, when: str, attempted: Sequence[Attempted]) -> list[tuple[Case, Assessment]]:
        """What the attempts at each problem mean."""
        cases = [counted(*one) for one in attempted]
        return [
            settle(case, said, self._config, ration)
            for case, said, (_, _, ration) in zip(cases, self._cast.assess(when, cases), attempted, strict=True)
        ]

    def _request(self, place: Place, problem: Problem, n: int, drawn: int) -> Request:
        return Request(
            messages=(Message("user", attempt_prompt(self._config, problem)),),
            seed=derive(self._seed, problem.id, place.round, place.step) + drawn,
            sampling=self._config,
            n=n,
        )


def _attempt(request: Request, completion: Completion, drawn: int, j: int) -> Attempt:
    return Attempt(
        k=drawn + j,
        seed=request.seed + j,
        text=completion.text,
        finish=completion.finish,
        tokens=completion.tokens,
        prompt_tokens=completion.prompt_tokens,
    )


def count(judged: Sequence[Judged]) -> Counts:
    """How a problem's attempts came out."""
    values = [j.verdict.value for j in judged]
    return Counts(values.count("correct"), values.count("incorrect"), values.count("unknown"))


def counted(problem: Problem, judged: tuple[Judged, ...], ration: Ration) -> Case:
    """A problem with its judged attempts, counted."""
    counts = count(judged)
    return Case(problem, judged, counts, ration.solve_rate(counts))


def settle(case: Case, assessment: Assessment, config: AttemptsConfig, ration: Ration) -> tuple[Case, Assessment]:
    """
    Apply an assessment to its case: revised verdicts and reference are taken over, the attempts counted again.

    A problem with too few decided attempts is unresolved, and one the policy gave up on is not kept, whatever was said of it.
    """
    problem, judged = case.problem, case.judged
    if assessment.answer is not None:
        problem = replace(problem, answer=assessment.answer)
    if assessment.verdicts is not None:
        judged = tuple(Judged(j.attempt, v) for j, v in zip(judged, assessment.verdicts, strict=True))
    settled = counted(problem, judged, ration)
    counts = settled.counts
    if counts.decided < config.min_decided * counts.drawn:
        assessment = Assessment(outcome="unresolved", reason=f"{counts.unknown} of {counts.drawn} attempts unknown")
    elif assessment.outcome == "kept" and ration.gave_up(counts):
        assessment = Assessment(outcome="out-of-band", reason=f"given up after {counts.drawn} attempts")
    return settled, assessment
