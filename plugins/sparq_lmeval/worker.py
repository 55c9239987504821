"""The process that benchmarks: reads a job as JSON from its standard input, writes `items.json`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_lmeval.tasks import filter_of, filters_of, manager_of, metric_of, tasks_of


def main(job: dict[str, Any]) -> None:
    """Evaluate a model and write one row an item: task, item, value."""
    import lm_eval
    import torch

    config = job["config"]
    manager = manager_of(config)
    tasks = {task: loaded for name in config["tasks"] for task, loaded in tasks_of(name, manager).items()}
    for task, loaded in tasks.items():
        metric_of(task, loaded.aggregation(), config["metric"])
        filter_of(task, filters_of(loaded), config["filter"])
    arguments = {"pretrained": job["model"], **config["model_args"]}
    if job["chat_template"]:
        arguments["chat_template"] = job["chat_template"]
    results = lm_eval.simple_evaluate(
        model=config["backend"],
        model_args=arguments,
        device="cuda" if torch.cuda.is_available() else "cpu",
        tasks=list(tasks.values()),
        task_manager=manager,
        limit=config["limit"],
        num_fewshot=config["num_fewshot"],
        batch_size=config["batch_size"],
        apply_chat_template=config["apply_chat_template"],
        log_samples=True,
        bootstrap_iters=0,
    )
    rows = [row for task, samples in results["samples"].items() for row in _rows(task, samples, config)]
    (Path(job["out"]) / "items.json").write_text(json.dumps(rows), encoding="utf-8")
    with (Path(job["out"]) / "samples.jsonl").open("w", encoding="utf-8") as file:
        for samples in results["samples"].values():
            file.writelines(json.dumps(sample, default=str) + "\n" for sample in samples)


def _rows(task: str, samples: list[dict[str, Any]], config: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """One value an item: of one metric, by one of the task's filters."""
    chosen = filter_of(task, list(dict.fromkeys(sample["filter"] for sample in samples)), config["filter"])
    first = next(sample for sample in samples if sample["filter"] == chosen)
    numbers = [name for name in first["metrics"] if isinstance(first[name], int | float)]
    metric = metric_of(task, numbers, config["metric"])
    for sample in samples:
        if sample["filter"] == chosen:
            yield task, str(sample["doc_id"]), float(sample[metric])


if __name__ == "__main__":
    sparq.serve(main)
