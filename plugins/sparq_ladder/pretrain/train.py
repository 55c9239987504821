"""
Pre-train the models of the ladder from scratch: `python train.py FOLDER [MODEL ...]`.

All read the same text in the same order and differ in their width only. How is in sparq_tiny's `recipe.py`.
"""

import argparse
import random
import sys
from pathlib import Path

import torch
from text import example
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

sys.path.append(str(Path(__file__).parents[2] / "sparq_tiny" / "pretrain"))

from recipe import pretrain, rows
from tokenizer import train_tokenizer

WIDTHS = {"sparq-0.3m": 72, "sparq-0.6m": 104, "sparq-1.2m": 152, "sparq-2.5m": 224}
STEPS = {"sparq-0.3m": 850, "sparq-0.6m": 1000, "sparq-1.2m": 1500, "sparq-2.5m": 2000}
"""The larger a model, the longer it reads."""
LAYERS, HEADS, VOCABULARY = 4, 4, 640


def make_model(tokenizer: PreTrainedTokenizerFast, width: int) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=width * 8 // 3,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("models", nargs="*", default=list(WIDTHS), help="by default all")
    options.add_argument("--steps", type=int, help="by default each model's own")
    options.add_argument("--batch", type=int, default=12, help="rows a step")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    rng = random.Random("tokenizer")
    tokenizer = train_tokenizer((text for _ in range(20_000) for text in example(rng)), VOCABULARY)
    for name in given.models:
        torch.manual_seed(0)
        model = make_model(tokenizer, WIDTHS[name])
        print(name, model.num_parameters(), flush=True)
        pretrain(
            model,
            rows(tokenizer, example, random.Random("corpus"), given.batch),
            given.steps or STEPS[name],
            compiled=False,
        )
        model.to(torch.bfloat16).save_pretrained(given.folder / name)
        tokenizer.save_pretrained(given.folder / name)


if __name__ == "__main__":
    main()
