"""Supervised fine-tuning on messages: the loss is on the last one."""

import json
from typing import Any

from sparq_trl import sharded
from sparq_trl.arguments import checked, common
from sparq_trl.history import History, summed_up


def trainer(job: dict[str, Any], **tools: Any) -> Any:
    """The trainer of a job; `tools` are the model, its tokenizer and its adapters."""
    rows = _rows(job["dataset"])
    from datasets import Dataset
    from trl import SFTConfig

    config = job["config"]
    arguments = SFTConfig(
        **common(job),
        num_train_epochs=config["epochs"],
        max_steps=config["max_steps"] or -1,
        max_length=config["max_length"],
        completion_only_loss=True,
    )
    return sharded.trainer_class(job["processes"])(
        args=checked(arguments, job), train_dataset=Dataset.from_list(rows), **tools
    )


def _rows(path: str) -> list[dict[str, Any]]:
    """What the trainer takes of a dataset: the last message of each row is what is learnt."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        turns = [json.loads(line)["messages"] for line in file]
    return [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in turns]


def metrics(history: History) -> dict[str, float]:
    """The loss; rows of a few steps each tell how it began and ended, where there were as many."""
    return summed_up(history, {"loss": "loss"}) | summed_up(history, {"train_loss": "loss"}, ends=False)


def batch(config: dict[str, Any]) -> str:
    """What an optimizer step is made of, for the log."""
    return f"{config['batch_size']} examples"
