"""Benchmarks by lm-eval, in a process of its own: local task files and its stock tasks."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field

import sparq_core as sparq
from sparq_lmeval.files import unheard_of, unknown


class LmEvalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `lm-eval`."""

    tasks: Annotated[list[str], Meta(min_length=1, description="Task names: stock ones, or those of `include`.")]
    include: Annotated[
        sparq.InputFile | None,
        Meta(description="Folder of your own task files; their data files are relative to it."),
    ] = None
    limit: Annotated[sparq.Positive | None, Meta(description="Only the first items of each task.")] = None
    num_fewshot: Annotated[
        sparq.NonNegative | None, Meta(description="Examples in the prompt; by default the task's own.")
    ] = None
    batch_size: Annotated[int, Meta(ge=1, description="Items a batch.")] = 64
    backend: Annotated[str, Meta(description="lm-eval's model type: hf, vllm, …")] = "hf"
    model_args: Annotated[dict[str, Any], Meta(description="Further arguments for that model type.")] = field(
        default_factory=dict
    )
    apply_chat_template: Annotated[bool, Meta(description="Ask in the model's chat format.")] = True
    metric: Annotated[
        str | dict[str, str] | None,
        Meta(
            description="The metric to record, of all tasks or by the names of tasks; by default math_verify of a task that "
            "has it, else the first of its own that has items."
        ),
    ] = None
    filter: Annotated[
        str | dict[str, str] | None,
        Meta(
            description="The filter that reads the answer, of all tasks or by the names of tasks; by default flexible-extract "
            "of a task that has it, as gsm8k does, else the first of its own."
        ),
    ] = None


class LmEval:
    """Scores a model item by item; one task may give several metrics by several filters, one of them is recorded."""

    requires: ClassVar[Mapping[str, str]] = {"lm_eval": "sparq-engine[lmeval]"}

    def __init__(self, config: LmEvalConfig) -> None:
        self._config = config
        self._folder = Path(config.include) if config.include else None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        include = self._config.include
        if misspelt := unheard_of(self._config.tasks, include):
            messages = [unknown(name, include) for name in misspelt]
            return [sparq.Finding(level="error", place="with.tasks", message=message) for message in messages]
        files = sorted(self._folder.rglob("*")) if self._folder else []
        return list(_tried(msgspec.json.encode(self._config), include, tuple((f, f.stat().st_mtime_ns) for f in files)))

    @sparq.hookimpl
    def benchmark(self, model: sparq.Model, out: Path) -> list[sparq.Score]:
        job = {
            "model": model.path,
            "chat_template": model.chat_template,
            "out": str(out),
            "config": msgspec.to_builtins(self._config),
        }
        sparq.run_worker("sparq_lmeval.worker", job, out / "lm-eval.log", self._folder)
        rows = json.loads((out / "items.json").read_text(encoding="utf-8"))
        return [sparq.Score(task=task, item=str(item), value=float(value)) for task, item, value in rows]

    @sparq.hookimpl
    def benchmark_texts(self, run: sparq.Run) -> Iterator[sparq.BenchmarkText]:
        with TemporaryDirectory(prefix="sparq-lm-eval-") as temporary:
            out = Path(temporary) / "texts.jsonl"
            log = (run.folder / "logs" if run.folder else Path(temporary)) / "benchmark-texts.log"
            job = {"out": str(out), "config": msgspec.to_builtins(self._config)}
            sparq.run_worker("sparq_lmeval.texts", job, log, self._folder)
            with out.open(encoding="utf-8") as file:
                for task, text in map(json.loads, file):
                    yield sparq.BenchmarkText(task=task, text=text)


@cache
def _tried(config: bytes, include: str | None, _: tuple[tuple[Path, int], ...]) -> tuple[sparq.Finding, ...]:
    """What is found by loading the tasks: once for each state of the user's files, as a study checks many runs."""
    with TemporaryDirectory(prefix="sparq-lm-eval-") as temporary:
        out = Path(temporary) / "found.json"
        job = {"out": str(out), "config": msgspec.json.decode(config)}
        sparq.run_worker("sparq_lmeval.loading", job, out.with_suffix(".log"), Path(include) if include else None)
        found = msgspec.json.decode(out.read_bytes(), type=list[tuple[Literal["error", "warning"], str, str]])
    return tuple(sparq.Finding(level=level, place=place, message=message) for level, place, message in found)
