"""Reinforcement learning with the run's own verifiers as the reward: the plugin."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct, field

import sparq_core as sparq
from sparq_trl import running
from sparq_trl.examples import chosen
from sparq_trl.gpus import visible
from sparq_trl.options import TrainingConfig
from sparq_trl.sharing import Asked

PROMPT = 512
"""Tokens that a prompt is taken to have, where memory is estimated."""
Rate = Annotated[float, Meta(ge=0, le=1)]


class CurriculumConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `curriculum`: problems near a mean solve rate, which moves over the steps."""

    start: Annotated[Rate, Meta(description="Mean of the first step.")] = field(name="from")
    end: Annotated[Rate, Meta(description="Mean of the last step.")] = field(name="to")
    spread: Annotated[float, Meta(gt=0, description="Standard deviation of the Gaussian around the mean.")] = 0.15


class GrpoConfig(TrainingConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `grpo`."""

    learning_rate: Annotated[float, Meta(gt=0, description="Peak learning rate.")] = 1e-6
    steps: Annotated[sparq.Positive, Meta(description="Optimizer steps.")] = 100
    batch_size: Annotated[sparq.Positive, Meta(description="Problems an optimizer step.")] = 16
    group_size: Annotated[
        int, Meta(ge=2, description="Completions of a problem that are compared with each other.")
    ] = 8
    micro_batch_size: Annotated[
        sparq.Positive | None, Meta(description="Completions a forward pass; by default all of a step.")
    ] = None
    beta: Annotated[
        float,
        Meta(
            ge=0, description="Weight of the KL divergence from the model that training starts from; 0: it is not held."
        ),
    ] = 0.0
    temperature: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Sampling temperature; by default that of `attempts`.")
    ] = None
    max_tokens: Annotated[
        sparq.Positive | None, Meta(description="Most tokens of a completion; by default those of `attempts`.")
    ] = None
    curriculum: Annotated[
        CurriculumConfig | None, Meta(description="Which problems come when; none: all, in a random order.")
    ] = None


class Grpo:
    """
    Trains by TRL's `GRPOTrainer` (Shao et al. 2024) on problems, with the run's own verifiers as the reward.

    The problems are those of the round's dataset, asked as the attempts were. In each step the model writes `group_size`
    completions of each problem; the right ones become likelier and the wrong ones less likely, as far as a group has both.
    What the verifiers cannot judge, cut completions among it, counts neither way. One process trains and samples, on one GPU
    where there is one. Weights are trained and saved as `sft` does it.
    """

    requires: ClassVar[Mapping[str, str]] = running.REQUIRES

    def __init__(self, config: GrpoConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        attempts = run.pipeline.attempts
        found = running.findings(self._demand(attempts), self._config, run.trained)
        if not (self._config.temperature or attempts.temperature):
            message = "attempts.temperature is 0, at which all completions of a group are the same; give one above 0"
            found.insert(0, sparq.Finding(level="error", place="with.temperature", message=message))
        if attempts.stop:
            message = (
                "attempts.stop ends no completion in training: a model that goes on after these strings is cut late"
            )
            found.append(sparq.Finding(level="warning", place="use", message=message))
        return found

    @sparq.hookimpl
    def train(
        self,
        dataset: Path,
        weights: sparq.Model,
        out: Path,
        seed: int,
        round: int,
        run: sparq.Run,
        ledger: sparq.Reader,
    ) -> Mapping[str, float]:
        config, attempts = self._config, run.pipeline.attempts
        children = [(problem.prompt, ledger.child(problem.problem)) for problem in chosen(dataset)]
        rows = list(_rows(children))
        rates = [child.solve_rate for _, child in children if child.solve_rate is not None]
        job = {
            "dataset": running.write_rows(running.logged(out, "problems.jsonl"), rows),
            "order": self._order(len(rows), rates, sparq.generator(seed, "order")),
            "run": str(run.folder),
            "sampling": {
                "temperature": config.temperature or attempts.temperature,
                "top_p": attempts.top_p,
                "max_tokens": config.max_tokens or attempts.max_tokens,
            },
            "config": msgspec.to_builtins(config),
        }
        metrics = running.train("grpo", self._demand(attempts), weights, out, seed, job)
        if metrics["zero_variance"] == 1:
            raise sparq.NothingToTrainOn(
                f"round {round}: grpo: nothing was learnt in {config.steps:,} steps: no group had both a right and a wrong "
                f"completion (mean reward {metrics.get('reward', 0.0):.2f}, unknown {metrics['unknown']:.0%}); raise "
                "group_size or max_tokens, or let band.correct keep problems nearer to half"
            )
        return metrics

    def _order(self, problems: int, rates: Sequence[float], rng: Random) -> list[list[int]]:
        """The problems of each step; by the curriculum where all were attempted, which seeds need not be."""
        config, wanted = self._config, self._config.curriculum
        if wanted and len(rates) == problems:
            return sparq.curriculum(
                rates, config.steps, config.batch_size, wanted.start, wanted.end, wanted.spread, rng
            )
        return passes(problems, config.steps, config.batch_size, rng)

    def _demand(self, attempts: sparq.Sampling) -> running.Demand:
        config = self._config
        completions, tokens = config.batch_size * config.group_size, (config.max_tokens or attempts.max_tokens) + PROMPT
        asked = Asked(completions, config.micro_batch_size, 1)
        return running.Demand(
            asked,
            visible(),
            tokens=asked.micro * tokens,
            generated=completions * tokens,
            reference=config.beta > 0,
            example="completions",
            shares=False,
        )


def _rows(children: Sequence[tuple[list[dict[str, Any]], sparq.Child]]) -> Iterator[dict[str, Any]]:
    """What the trainer and the verifiers are given of each problem; its own data as JSON, so that all rows are alike."""
    for prompt, child in children:
        problem = child.problem
        yield {
            "prompt": prompt,
            "problem": problem.statement,
            "answer": problem.answer,
            "extra": msgspec.json.encode(problem.extra).decode(),
            "solve_rate": child.solve_rate,
            "id": problem.id,
        }


def passes(problems: int, steps: int, batch: int, rng: Random) -> list[list[int]]:
    """The problems of each step without a curriculum: all in a random order, then all in another, and so on."""
    order: list[int] = []
    while len(order) < steps * batch:
        order += rng.sample(range(problems), problems)
    return [order[step * batch : (step + 1) * batch] for step in range(steps)]
