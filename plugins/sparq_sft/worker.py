"""The process that trains: reads a job as JSON from its standard input, writes a model folder."""

import json
import os
from pathlib import Path
from typing import Any

import sparq_core as sparq


def main(job: dict[str, Any]) -> None:
    """Fine-tune a model on a dataset of messages and save it whole."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "warning")
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoTokenizer, set_seed
    from trl import SFTTrainer

    config = job["config"]
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    set_seed(job["seed"])
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if job["chat_template"]:
        tokenizer.chat_template = job["chat_template"]
    with open(job["dataset"], encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        turns = [json.loads(line)["messages"] for line in file]
    rows = [{"prompt": messages[:-1], "completion": messages[-1:]} for messages in turns]
    lora = config["lora"]
    trainer = SFTTrainer(
        model=load(job["model"]),
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
    save(trained, job["out"], as_in=job["model"])
    tokenizer.save_pretrained(job["out"])


def load(path: str) -> Any:
    """
    The model in float32, in whatever its checkpoint stores it and wherever it is trained.

    AdamW moves a weight by about the learning rate a step: at 2e-6 that is below the spacing of bfloat16 around most weights,
    so that weights in bfloat16 stay where they are. `bf16: true` is autocast: products in bfloat16, weights in float32.
    """
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(path, dtype="float32")


def save(model: Any, out: str, as_in: str) -> None:
    """
    Write the weights in float32, and into `config.json` the dtype that the model `as_in` is to be served in.

    Rounded to a checkpoint's own bfloat16 the updates of a round would be lost, and the next round could not add to them.
    Samplers and benchmarks with `dtype: auto` go by `config.json`: they serve a trained model as they serve its base.
    """
    from transformers import AutoConfig

    model.save_pretrained(out)
    path = Path(out) / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    served = str(AutoConfig.from_pretrained(as_in).dtype or "float32").removeprefix("torch.")
    if config.get("dtype") != served:
        path.write_text(json.dumps({**config, "dtype": served}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


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
