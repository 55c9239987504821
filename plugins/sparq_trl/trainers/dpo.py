"""Training on pairs; how likely they were before is computed once, so that no second model is kept for it."""

import json
from typing import Any

from sparq_trl.arguments import checked, common
from sparq_trl.history import History, summed_up

NAMES = {"loss": "loss", "rewards/accuracies": "accuracy", "rewards/margins": "margin"}


def trainer(job: dict[str, Any], **tools: Any) -> Any:
    """The trainer of a job; `tools` are the model, its tokenizer and its adapters."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    with open(job["dataset"], encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        pairs = [json.loads(line) for line in file]
    config = job["config"]
    arguments = DPOConfig(
        **common(job) | {"logging_steps": 1},
        num_train_epochs=config["epochs"],
        max_steps=config["max_steps"] or -1,
        max_length=config["max_length"],
        beta=config["beta"],
        precompute_ref_log_probs=True,
    )
    return DPOTrainer(args=checked(arguments, job), train_dataset=Dataset.from_list(pairs), **tools)


def metrics(history: History) -> dict[str, float]:
    """The loss, the share of pairs whose right attempt has gained on its wrong one, and how much it has."""
    return summed_up(history, NAMES)


def batch(config: dict[str, Any]) -> str:
    """What an optimizer step is made of, for the log."""
    return f"{config['batch_size']} pairs"
