"""How our smallest models are made, of 0.3 to 2.5 million parameters: all of one shape, but for their width."""

import random
from pathlib import Path

import torch
from recipe import Example, pretrain, rows
from tokenizer import train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

LAYERS, HEADS, VOCABULARY = 4, 4, 640


def small_tokenizer(example: Example) -> PreTrainedTokenizerFast:
    """A tokenizer made from 20,000 examples."""
    rng = random.Random("tokenizer")
    return train_tokenizer((text for _ in range(20_000) for text in example(rng)), VOCABULARY)


def small_model(
    tokenizer: PreTrainedTokenizerFast, example: Example, *, width: int, steps: int, batch: int
) -> LlamaForCausalLM:
    """A model trained from scratch on batches of so many rows of 256 tokens; its weights are in bfloat16."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(
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
    pretrain(model, rows(tokenizer, example, random.Random("corpus"), batch), steps, compiled=False)
    return model.to(torch.bfloat16)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write both as transformers reads them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
