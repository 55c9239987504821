"""A training, as each of its processes does it."""

import json
import os
import sys
from typing import Any

from sparq_trl import sharded
from sparq_trl.weights import load, save


def train(job: dict[str, Any]) -> None:
    """Fine-tune on a dataset of messages; the first process saves what came of it."""
    rows = _rows(job["dataset"])
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer, set_seed

    config = job["config"]
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    set_seed(job["seed"])
    arguments = _arguments(job)
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if job["chat_template"]:
        tokenizer.chat_template = job["chat_template"]
    trainer = sharded.trainer_class(job["processes"])(
        model=load(job["model"]),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_adapters(config["lora"]),
    )
    trainer.train()
    _tell(trainer, job)
    whole = trainer.model if job["processes"] == 1 else sharded.gathered(trainer, job["model"])
    if trainer.accelerator.is_main_process:
        save(whole.merge_and_unload() if config["lora"] else whole, job["out"], as_in=job["model"])
        tokenizer.save_pretrained(job["out"])


def _rows(path: str) -> list[dict[str, Any]]:
    """What the trainer takes of a dataset: the last message of each row is what is learnt."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        turns = [json.loads(line)["messages"] for line in file]
    return [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in turns]


def _tell(trainer: Any, job: dict[str, Any]) -> None:
    """A line for the log: how much was done, and how many weights each process holds."""
    held = sharded.held(trainer)
    if trainer.accelerator.is_main_process:
        weights = ", ".join(f"{count:,}" for count in held)
        sys.stdout.write(
            f"{trainer.state.global_step} optimizer steps of {job['config']['batch_size']} examples; "
            f"weights held by {len(held)} process{'es' * (len(held) > 1)}: {weights}\n"
        )


def _adapters(lora: dict[str, Any] | None) -> Any:
    from peft import LoraConfig

    return lora and LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=lora["target_modules"],
        task_type="CAUSAL_LM",
    )


def _arguments(job: dict[str, Any]) -> Any:
    import torch
    from trl import SFTConfig

    config = job["config"]
    floor = config["min_learning_rate"]
    arguments = SFTConfig(
        output_dir=os.path.join(job["out"], "trainer"),  # noqa: PTH118 -- a path from JSON
        per_device_train_batch_size=job["micro_batch_size"],
        gradient_accumulation_steps=job["accumulation"],
        num_train_epochs=config["epochs"],
        max_steps=config["max_steps"] or -1,
        learning_rate=config["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr" if floor else "cosine",
        lr_scheduler_kwargs={"min_lr": floor} if floor else {},
        warmup_steps=config["warmup_steps"],
        weight_decay=config["weight_decay"],
        max_length=config["max_length"],
        bf16=config["bf16"],
        completion_only_loss=True,
        seed=job["seed"],
        data_seed=job["seed"],
        save_strategy="no",
        logging_steps=5,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **sharded.arguments(job["processes"], checkpointed=config["gradient_checkpointing"]),
    )
    together = arguments.world_size * max(1, arguments.n_gpu)
    if together != job["processes"]:
        raise SystemExit(
            f"{together} devices are visible to train on, and `processes` is {job['processes']}: make them the same"
        )
    return arguments
