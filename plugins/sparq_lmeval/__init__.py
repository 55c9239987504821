"""Benchmarks by lm-eval, in a process of its own: local task files and its stock tasks."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct, field

import sparq_core as sparq


class LmEvalConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `lm-eval`."""

    tasks: Annotated[list[str], Meta(min_length=1, description="Task names: stock ones, or those of `include`.")]
    include: Annotated[
        sparq.InputFile | None,
        Meta(description="Folder of task files of your own; their data files are relative to it."),
    ] = None
    limit: Annotated[sparq.Positive | None, Meta(description="Only the first items of each task.")] = None
    num_fewshot: Annotated[
        sparq.NonNegative | None, Meta(description="Examples in the prompt; by default the task's own.")
    ] = None
    batch_size: Annotated[int, Meta(ge=1, description="Items a batch.")] = 64
    backend: Annotated[str, Meta(description="lm-eval's model type: hf, vllm, …")] = "hf"
    model_args: Annotated[dict[str, Any], Meta(description="More arguments for that model type.")] = field(
        default_factory=dict
    )
    apply_chat_template: Annotated[bool, Meta(description="Ask in the model's chat format.")] = True
    metric: Annotated[
        str | None, Meta(description="The metric to record; by default the first of the task's own that has items.")
    ] = None


class LmEval:
    """Scores a model item by item; one task may give several metrics, one of them is recorded."""

    requires: ClassVar[Mapping[str, str]] = {"lm_eval": "sparq-engine[lmeval]"}

    def __init__(self, config: LmEvalConfig) -> None:
        self._config = config
        self._folder = Path(config.include) if config.include else None

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        missing = set(self._config.tasks)
        own = self._folder
        for folder in [own, _stock_tasks()]:
            if missing and folder:
                missing -= set(_named(folder))
        hint = "is no stock task of lm-eval" + (
            f" and not in {own}" if own else "; name a folder of your own by `include`"
        )
        return [sparq.Finding(level="error", place="with.tasks", message=f"'{task}' {hint}") for task in missing]

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


def _stock_tasks() -> Path | None:
    spec = find_spec("lm_eval")
    return Path(spec.origin).parent / "tasks" if spec and spec.origin else None


_NAME = re.compile(r"^(?:task|group|tag):[ \t]*[\"']?([\w.-]+)", re.MULTILINE)


def _named(folder: Path) -> Iterator[str]:
    """The task, group and tag names in a folder's task files."""
    for file in folder.rglob("*.yaml"):
        yield from _NAME.findall(file.read_text(encoding="utf-8", errors="replace"))
