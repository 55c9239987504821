"""LoRA by Unsloth: `train.py MODEL DATASET OUT WORK SEED CHAT_TEMPLATE`; the last may be empty."""

import sys
from pathlib import Path

from unsloth import FastLanguageModel  # isort: skip -- it changes what is imported after it
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

name, dataset, out, work, seed, chat_template = sys.argv[1:]
model, tokenizer = FastLanguageModel.from_pretrained(model_name=name, max_seq_length=2048, load_in_4bit=False)
if chat_template:
    tokenizer.chat_template = Path(chat_template).read_text(encoding="utf-8")
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=32, random_state=int(seed))
trainer = SFTTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=load_dataset("json", data_files=dataset, split="train"),
    args=SFTConfig(
        output_dir=work,
        seed=int(seed),
        num_train_epochs=1,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
        max_length=2048,
        learning_rate=2.0e-4,
        lr_scheduler_type="cosine",
        logging_steps=5,
        save_strategy="no",
        report_to="none",
    ),
)
trainer.train()
model.save_pretrained_merged(out, tokenizer, save_method="merged_16bit")
