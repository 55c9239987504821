"""Attempts: drawn in waves, judged by the chain of verifiers, counted into a solve rate."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.randomness import derive
from sparq_core.contract.records import Assessment, Attempt, Case, Counts, Judged, Message, Problem, Trial, Verdict
from sparq_core.contract.sampling import Request, Sampler
from sparq_core.contract.templates import attempt_prompt
from sparq_core.loop.serving import Gauge
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.prepare import decider
from sparq_core.policies import Policy, policy_of, prior_from


class Attempts:
    """Attempts problems until their policies have enough, and has the attempts assessed."""

    def __init__(self, cast: Cast, config: AttemptsConfig, seed: int, grading: Gauge | None = None) -> None:
        self._cast, self.config, self._seed = cast, config, seed
        self._grading = grading or Gauge()
        self._decide = decider(cast, config)
        self._policy = lru_cache(maxsize=None)(lambda prior: policy_of(config, self._decide, prior))

    def policy_for(self, problem: Problem, parents: Mapping[str, Counts]) -> Policy:
        """How many attempts a problem gets, given how those at its parents came out."""
        known = [parents[id_] for id_ in problem.parents if id_ in parents]
        correct, decided = sum(counts.correct for counts in known), sum(counts.decided for counts in known)
        return self._policy(prior_from(self.config, correct, decided))

    def draw(
        self, problems: Sequence[Problem], policies: Sequence[Policy], sampler: Sampler, place: tuple[int, int]
    ) -> list[tuple[Judged, ...]]:
        """All judged attempts at each problem, in order; `place` is the round and step."""
        judged: list[list[Judged]] = [[] for _ in problems]
        while wave := [(i, n) for i, trials in enumerate(judged) if (n := policies[i].more(count(trials))) > 0]:
            requests = [self._request(problems[i], n, len(judged[i]), place) for i, n in wave]
            answers = sampler.sample(requests)
            trials = [
                (
                    i,
                    Trial(
                        problems[i],
                        Attempt(
                            k=len(judged[i]) + j,
                            seed=request.seed + j,
                            text=completion.text,
                            finish=completion.finish,
                            tokens=completion.tokens,
                            prompt_tokens=completion.prompt_tokens,
                        ),
                    ),
                )
                for (i, _), request, completions in zip(wave, requests, answers, strict=True)
                for j, completion in enumerate(completions)
            ]
            with self._grading:
                verdicts = self.verify([trial for _, trial in trials])
            for (i, trial), verdict in zip(trials, verdicts, strict=True):
                judged[i].append(Judged(trial.attempt, verdict))
        return [tuple(trials) for trials in judged]

    def assess(self, attempted: Sequence[tuple[Problem, tuple[Judged, ...], Policy]]) -> list[tuple[Case, Assessment]]:
        """What the attempts at each problem mean."""
        ((member, assess),) = self._cast.each("assess")
        cases = [tally_case(*one) for one in attempted]
        answers = self._cast.aligned("assess", member, assess(cases=cases), len(cases))
        return [
            settle(case, answer, self.config, policy)
            for case, answer, (_, _, policy) in zip(cases, answers, attempted, strict=True)
        ]

    def _request(self, problem: Problem, n: int, drawn: int, place: tuple[int, int]) -> Request:
        return Request(
            messages=(Message("user", attempt_prompt(self.config, problem)),),
            seed=derive(self._seed, problem.id, *place) + drawn,
            sampling=self.config,
            n=n,
        )

    def verify(self, trials: Sequence[Trial]) -> list[Verdict]:
        """The chain's verdict on each trial."""
        verdicts = [Verdict(value="unknown", reason="unverified")] * len(trials)
        for member, verify in self._cast.each("verify"):
            open_ = [i for i, verdict in enumerate(verdicts) if verdict.value == "unknown"]
            if not open_:
                break
            answers = self._cast.aligned("verify", member, verify(trials=[trials[i] for i in open_]), len(open_))
            for i, answer in zip(open_, answers, strict=True):
                if answer is not None:
                    verdicts[i] = Verdict(
                        value=answer.value, reason=answer.reason, answer=answer.answer, by=member.name
                    )
        return verdicts


def count(judged: Sequence[Judged]) -> Counts:
    """How a problem's attempts came out."""
    values = [j.verdict.value for j in judged]
    return Counts(values.count("correct"), values.count("incorrect"), values.count("unknown"))


def tally_case(problem: Problem, judged: tuple[Judged, ...], policy: Policy) -> Case:
    """A problem with its judged attempts, counted."""
    counts = count(judged)
    return Case(problem, judged, counts, policy.solve_rate(counts))


def settle(case: Case, assessment: Assessment, config: AttemptsConfig, policy: Policy) -> tuple[Case, Assessment]:
    """
    Apply an assessment to its case: revised verdicts and reference are taken over, the attempts counted again.

    A problem with too few decided attempts is unresolved, and one the policy gave up on is not kept, whatever was said of it.
    """
    problem, judged = case.problem, case.judged
    if assessment.answer is not None:
        problem = replace(problem, answer=assessment.answer)
    if assessment.verdicts is not None:
        judged = tuple(Judged(j.attempt, v) for j, v in zip(judged, assessment.verdicts, strict=True))
    settled = tally_case(problem, judged, policy)
    counts = settled.counts
    if counts.decided < config.min_decided * counts.drawn:
        assessment = Assessment(outcome="unresolved", reason=f"{counts.unknown} of {counts.drawn} attempts unknown")
    elif assessment.outcome == "kept" and policy.gave_up(counts):
        assessment = Assessment(outcome="out-of-band", reason=f"given up after {counts.drawn} attempts")
    return settled, assessment
