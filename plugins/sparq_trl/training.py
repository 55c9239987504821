"""A training, as each of its processes does it."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from sparq_trl import sharded
from sparq_trl.arguments import adapters
from sparq_trl.trainers import dpo, grpo, sft
from sparq_trl.weights import load, save

METHODS: dict[str, ModuleType] = {"sft": sft, "dpo": dpo, "grpo": grpo}


def train(job: dict[str, Any]) -> None:
    """Train a model by one of the methods; the first process saves what came of it."""
    import torch
    from transformers import AutoTokenizer, PrinterCallback, set_seed

    config, method = job["config"], METHODS[job["method"]]
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    set_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if job["chat_template"]:
        tokenizer.chat_template = job["chat_template"]
    trainer = method.trainer(
        job, model=load(job["model"]), processing_class=tokenizer, peft_config=adapters(config["lora"])
    )
    if not trainer.accelerator.is_main_process:
        trainer.remove_callback(PrinterCallback)  # one process of every machine would print
    trainer.train()
    _tell(trainer, job)
    whole = trainer.model if job["processes"] == 1 else sharded.gathered(trainer, job["model"])
    if trainer.accelerator.is_main_process:
        save(whole.merge_and_unload() if config["lora"] else whole, job["out"], as_in=job["model"])
        tokenizer.save_pretrained(job["out"])
        Path(job["metrics"]).write_text(json.dumps(method.metrics(trainer.state.log_history)), encoding="utf-8")


def _tell(trainer: Any, job: dict[str, Any]) -> None:
    """A line for the log: how much was done, and how many weights each process holds."""
    held = sharded.held(trainer)
    if trainer.accelerator.is_main_process:
        weights = ", ".join(f"{count:,}" for count in held)
        sys.stdout.write(
            f"{trainer.state.global_step} optimizer steps of {METHODS[job['method']].batch(job['config'])}; "
            f"weights held by {len(held)} process{'es' * (len(held) > 1)}: {weights}\n"
        )
