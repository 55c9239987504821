"""Training on preferences: the plugin."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

import sparq_core as sparq
from sparq_trl import running
from sparq_trl.examples import chosen
from sparq_trl.gpus import visible
from sparq_trl.options import TrainingConfig
from sparq_trl.sharing import Asked


class DpoConfig(TrainingConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `dpo`."""

    learning_rate: Annotated[float, Meta(gt=0, description="Peak learning rate.")] = 1e-6
    beta: Annotated[
        float, Meta(gt=0, description="How close the model stays to the one training starts from; more is closer.")
    ] = 0.1
    within: Annotated[
        float, Meta(ge=1, description="Most times as many tokens the longer attempt of a pair may have.")
    ] = 1.25
    pairs: Annotated[sparq.Positive | None, Meta(description="Most pairs a problem gives; none: all there are.")] = None
    epochs: Annotated[float, Meta(gt=0, description="Passes over the pairs.")] = 1.0
    max_steps: Annotated[sparq.Positive | None, Meta(description="Optimizer steps, instead of epochs.")] = None
    batch_size: Annotated[sparq.Positive, Meta(description="Pairs an optimizer step.")] = 16
    micro_batch_size: Annotated[
        sparq.Positive | None, Meta(description="Pairs a forward pass; by default all of a step.")
    ] = None
    max_length: Annotated[int, Meta(ge=8, description="Tokens after which an attempt and its prompt are cut.")] = 2048


class Dpo:
    """
    Trains on pairs of a right and a wrong attempt at the same problem, by TRL's `DPOTrainer` (Rafailov et al. 2023).

    The problems are those of the round's dataset. Of each, the right attempts that were chosen are paired with its wrong ones,
    so that the two of a pair are of about the same length. One process trains, on one GPU where there is one. Weights are
    trained and saved as `sft` does it.
    """

    requires: ClassVar[Mapping[str, str]] = running.REQUIRES

    def __init__(self, config: DpoConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        found = running.findings(self._demand(), self._config, run.trained)
        if run.pipeline.train.seeds:
            message = (
                "train.seeds trains on the seeds' own solutions, beside which there is no wrong one; make the student by a run "
                "with `sft` and `rounds: 0`, then name its folder under `models`"
            )
            found.insert(0, sparq.Finding(level="error", place="use", message=message))
        return found

    @sparq.hookimpl
    def train(
        self, dataset: Path, weights: sparq.Model, out: Path, seed: int, round: int, ledger: sparq.Reader
    ) -> Mapping[str, float]:
        pairs = list(self._pairs(dataset, ledger))
        if not pairs:
            raise sparq.NothingToTrainOn(
                f"round {round}: dpo: no problem of the dataset has a right and a wrong attempt whose lengths are within a "
                f"factor of {self._config.within:g}; raise `within`, let band.correct keep problems that are sometimes "
                "missed, or raise attempts.k"
            )
        job = {
            "dataset": running.write_rows(running.logged(out, "pairs.jsonl"), pairs),
            "config": msgspec.to_builtins(self._config),
        }
        return {"pairs": len(pairs), **running.train("dpo", self._demand(), weights, out, seed, job)}

    def _pairs(self, dataset: Path, ledger: sparq.Reader) -> Iterator[dict[str, Any]]:
        config = self._config
        for problem in chosen(dataset):
            judged = [
                one
                for one in ledger.judged(problem.problem)
                if one.verdict.value != "correct" or one.attempt.k in problem.attempts
            ]
            for pair in sparq.matched_pairs(judged, config.within, config.pairs):
                yield {
                    "prompt": problem.prompt,
                    "chosen": [{"role": "assistant", "content": pair.right.text}],
                    "rejected": [{"role": "assistant", "content": pair.wrong.text}],
                    "id": problem.problem,
                }

    def _demand(self) -> running.Demand:
        config = self._config
        asked = Asked(config.batch_size, config.micro_batch_size, 1)
        return running.Demand(
            asked, visible(), tokens=2 * asked.micro * config.max_length, example="pairs", shares=False
        )
