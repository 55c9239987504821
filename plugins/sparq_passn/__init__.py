"""pass@n: n answers to each item, drawn as the run draws its attempts and judged by its own verifiers."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, field

import sparq_core as sparq
from sparq_passn.answers import Asking, Counted, answer
from sparq_passn.estimate import curve, intervals, recorded
from sparq_passn.items import Source, read


class PassAtNConfig(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `pass-at-n`."""

    n: Annotated[sparq.Positive, Meta(description="Answers drawn per item (paper: 96).")]
    at: Annotated[
        list[sparq.Positive],
        Meta(description="Record pass@k for these k beside 1 and n; by default for the powers of four between."),
    ] = field(default_factory=list)
    task: Annotated[str | None, Meta(description="Name of the task; by default the name of the file.")] = None
    temperature: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Sampling temperature; by default as for attempts."),
    ] = None
    top_p: Annotated[
        sparq.Share | None, Meta(description="Probability mass to sample from; by default as for attempts.")
    ] = None
    max_tokens: Annotated[
        sparq.Positive | None, Meta(description="Maximum number of tokens per answer; by default as for attempts.")
    ] = None

    def __post_init__(self) -> None:
        if above := [k for k in self.at if k > self.n]:
            raise ValueError(f"at: pass@{max(above)} takes {max(above)} answers to an item, n is {self.n}")


class PassAtN:
    """
    Scores how often one of k answers to an item is right, for k up to the n drawn: pass@k, estimated without bias.

    An answer whose verdict is unknown (cut short, a timeout) has not solved its item; `decided` is the share of the others. Two
    models are asked with the same seeds. An item's pass@1 times n is the number of its right answers. The folder of logs
    gets `pass.json`, the whole curve with intervals, and `answers.jsonl`.
    """

    def __init__(self, config: PassAtNConfig) -> None:
        self._config = config
        self._task = config.task or Path(config.path).stem

    @sparq.hookimpl
    def check(self, run: sparq.Run) -> list[sparq.Finding]:
        read(self._config)
        if self._config.n == 1 or self._sampling(run.pipeline).temperature:
            return []
        message = f"at temperature 0 all {self._config.n} answers to an item are the same; set another, or n: 1"
        return [sparq.Finding(level="error", place="with.temperature", message=message)]

    @sparq.hookimpl
    def benchmark(
        self,
        run: sparq.Run,
        out: Path,
        sampler: sparq.Sampler,
        verify: Callable[[Sequence[sparq.Trial]], Sequence[sparq.Verdict]],
    ) -> list[sparq.Score]:
        asking = Asking(
            n=self._config.n,
            prompt=run.pipeline.attempts.prompt,
            sampling=self._sampling(run.pipeline),
            seed=sparq.derive(run.pipeline.seed, "pass-at-n", self._task),
        )
        counted = list(answer(read(self._config), asking, sampler, verify, out / "answers.jsonl"))
        curves = [curve(self._config.n, each.counts.correct) for each in counted]
        (out / "pass.json").write_text(self._summary(counted, curves), encoding="utf-8")
        return [score for each, passes in zip(counted, curves, strict=True) for score in self._scores(each, passes)]

    @sparq.hookimpl
    def benchmark_texts(self) -> Iterator[sparq.BenchmarkText]:
        for item in read(self._config):
            for text in item.texts:
                yield sparq.BenchmarkText(task=self._task, text=text)

    def _sampling(self, pipeline: sparq.Pipeline) -> sparq.Sampling:
        """As the run attempts problems, but for what the options say."""
        attempts = {name: getattr(pipeline.attempts, name) for name in sparq.Sampling.__struct_fields__}
        own = {name: value for name in attempts if (value := getattr(self._config, name, None)) is not None}
        return sparq.Sampling(**attempts | own)

    def _scores(self, counted: Counted, passes: Sequence[float]) -> Iterator[sparq.Score]:
        n = self._config.n
        for k in sorted({1, n, *(self._config.at or recorded(n))}):
            yield sparq.Score(task=f"{self._task} pass@{k}", item=counted.item, value=passes[k - 1])
        yield sparq.Score(task=f"{self._task} decided", item=counted.item, value=counted.counts.decided / n)

    def _summary(self, counted: Sequence[Counted], curves: Sequence[Sequence[float]]) -> str:
        summary = {
            "task": self._task,
            "items": len(counted),
            "n": self._config.n,
            "answers": msgspec.to_builtins(sum((each.counts for each in counted), sparq.Counts())),
            "tokens": sum(each.tokens for each in counted),
            "prompt_tokens": sum(each.prompt_tokens for each in counted),
            "pass": [{"k": k, **msgspec.to_builtins(mean)} for k, mean in enumerate(intervals(curves), 1)],
        }
        return json.dumps(summary, indent=1) + "\n"
