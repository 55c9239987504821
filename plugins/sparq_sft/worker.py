"""The process that trains: reads a job as JSON from its standard input, writes a model folder."""

import json
import os
from typing import Any

import sparq_core as sparq


def main(job: dict[str, Any]) -> None:
    """Fine-tune a model on a dataset of messages and save it whole."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "warning")
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed
    from trl import SFTTrainer

    config = job["config"]
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    set_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if job["chat_template"]:
        tokenizer.chat_template = job["chat_template"]
    model = AutoModelForCausalLM.from_pretrained(
        job["model"], dtype="float32" if not torch.cuda.is_available() else "auto"
    )
    with open(job["dataset"], encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        turns = [json.loads(line)["messages"] for line in file]
    rows = [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in turns]
    lora = config["lora"]
    trainer = SFTTrainer(
        model=model,
        args=_arguments(config, job),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=lora["r"],
            lora_alpha=lora["alpha"],
            lora_dropout=lora["dropout"],
            target_modules=lora["target_modules"],
            task_type="CAUSAL_LM",
        )
        if lora
        else None,
    )
    trainer.train()
    trained = trainer.model.merge_and_unload() if lora else trainer.model
    trained.save_pretrained(job["out"])
    tokenizer.save_pretrained(job["out"])


def _arguments(config: dict[str, Any], job: dict[str, Any]) -> Any:
    from trl import SFTConfig

    micro = config["micro_batch_size"] or config["batch_size"]
    floor = config["min_learning_rate"]
    return SFTConfig(
        output_dir=os.path.join(job["out"], "trainer"),  # noqa: PTH118 -- a path from JSON
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=config["batch_size"] // micro,
        num_train_epochs=config["epochs"],
        max_steps=config["max_steps"] or -1,
        learning_rate=config["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr" if floor else "cosine",
        lr_scheduler_kwargs={"min_lr": floor} if floor else {},
        warmup_steps=config["warmup_steps"],
        weight_decay=config["weight_decay"],
        max_length=config["max_length"],
        bf16=config["bf16"],
        gradient_checkpointing=config["gradient_checkpointing"],
        completion_only_loss=True,
        seed=job["seed"],
        data_seed=job["seed"],
        save_strategy="no",
        logging_steps=5,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not _has_gpu(),
    )


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


if __name__ == "__main__":
    sparq.serve(main)
