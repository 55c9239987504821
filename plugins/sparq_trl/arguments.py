"""What all trainers of TRL are given alike."""

import os
from typing import Any

from sparq_trl import sharded


def common(job: dict[str, Any]) -> dict[str, Any]:
    """Arguments that every trainer takes, by the options that every plugin has."""
    import torch

    config = job["config"]
    floor = config["min_learning_rate"]
    return {
        "output_dir": os.path.join(job["out"], "trainer"),  # noqa: PTH118 -- a path from JSON
        "per_device_train_batch_size": job["micro_batch_size"],
        "gradient_accumulation_steps": job["accumulation"],
        "learning_rate": config["learning_rate"],
        "lr_scheduler_type": "cosine_with_min_lr" if floor else "cosine",
        "lr_scheduler_kwargs": {"min_lr": floor} if floor else {},
        "warmup_steps": config["warmup_steps"],
        "weight_decay": config["weight_decay"],
        "bf16": config["bf16"],
        "seed": job["seed"],
        "data_seed": job["seed"],
        "save_strategy": "no",
        "logging_steps": 5,
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        **sharded.arguments(job["processes"], checkpointed=config["gradient_checkpointing"]),
    }


def checked(arguments: Any, job: dict[str, Any]) -> Any:
    """The arguments, once it is known that as many devices train as the options say; else the process ends."""
    together = arguments.world_size * max(1, arguments.n_gpu)
    if together != job["processes"]:
        raise SystemExit(
            f"{together} devices are visible to train on, and `processes` is {job['processes']}: make them the same"
        )
    return arguments


def adapters(lora: dict[str, Any] | None) -> Any:
    """What adapters are trained; None where all weights are."""
    from peft import LoraConfig

    return lora and LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=lora["target_modules"],
        task_type="CAUSAL_LM",
    )
