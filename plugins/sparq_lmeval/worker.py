"""The process that benchmarks: reads a job as JSON from its standard input, writes `items.json`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sparq_core as sparq


def main(job: dict[str, Any]) -> None:
    """Evaluate a model and write one row an item: task, item, value."""
    os.environ |= {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    import lm_eval
    import torch

    config = job["config"]
    arguments = {"pretrained": job["model"], **config["model_args"]}
    if job["chat_template"]:
        arguments["chat_template"] = job["chat_template"]
    results = lm_eval.simple_evaluate(
        model=config["backend"],
        model_args=arguments,
        device="cuda" if torch.cuda.is_available() else "cpu",
        tasks=config["tasks"],
        task_manager=manager_of(config),
        limit=config["limit"],
        num_fewshot=config["num_fewshot"],
        batch_size=config["batch_size"],
        apply_chat_template=config["apply_chat_template"],
        log_samples=True,
        bootstrap_iters=0,
    )
    rows = [row for task, samples in results["samples"].items() for row in _rows(task, samples, config["metric"])]
    (Path(job["out"]) / "items.json").write_text(json.dumps(rows), encoding="utf-8")
    with (Path(job["out"]) / "samples.jsonl").open("w", encoding="utf-8") as file:
        for samples in results["samples"].values():
            file.writelines(json.dumps(sample, default=str) + "\n" for sample in samples)


def manager_of(config: dict[str, Any]) -> Any:
    """What finds the tasks; the stock ones are left out where none is used."""
    from lm_eval.tasks import TaskManager

    include = config["include"]
    local = include is not None and all(any(Path(include).rglob(f"{task}.yaml")) for task in config["tasks"])
    return TaskManager(include_path=include, include_defaults=not local)


def _rows(task: str, samples: list[dict[str, Any]], metric: str | None) -> Iterator[tuple[str, str, float]]:
    """One value an item: of the metric asked for, or of the task's first, by its first filter."""
    filters = [sample.get("filter") for sample in samples]
    for sample in samples:
        if sample.get("filter") == filters[0]:
            name = metric or next(m for m in sample["metrics"] if isinstance(sample.get(m), int | float | bool))
            if name not in sample:
                raise SystemExit(f"task {task} has no metric '{name}', only {', '.join(sample['metrics'])}")
            yield task, str(sample["doc_id"]), float(sample[name])


if __name__ == "__main__":
    sparq.serve(main)
