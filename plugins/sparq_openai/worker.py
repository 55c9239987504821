"""
What local weights make of fixed texts. Imports torch and transformers: only to be run as `python -m sparq_openai.worker`.

It uses the CPU, since a server of the same machine may hold the memory of its GPUs.
"""

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import sparq_core as sparq

Chat = list[dict[str, str]]


def main(job: dict[str, Any]) -> None:
    """Write, for each of `models`, what it makes of the chats: log-probabilities, or answers where a `length` is given."""
    tokenizer = AutoTokenizer.from_pretrained(job["models"][0])
    length = job.get("length")
    tokens = [_tokens(tokenizer, chat[:1] if length else chat, asks=bool(length)) for chat in job["chats"]]
    told = []
    for path in job["models"]:
        model = AutoModelForCausalLM.from_pretrained(path, dtype="auto").eval()
        with torch.inference_mode():
            told.append([_answer(model, tokenizer, t, length) if length else _logprobs(model, t) for t in tokens])
    Path(job["out"]).write_text(json.dumps({"tokens": tokens, "by_model": told}), encoding="utf-8")


def _tokens(tokenizer: Any, turns: Chat, *, asks: bool) -> list[int]:
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=asks)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _logprobs(model: Any, tokens: list[int]) -> list[float]:
    """Of each token but the first, after those before it."""
    ids = torch.tensor([tokens])
    predicted = model(ids).logits[0, :-1].float().log_softmax(-1)
    logprobs: list[float] = predicted.gather(1, ids[0, 1:, None])[:, 0].tolist()
    return logprobs


def _answer(model: Any, tokenizer: Any, tokens: list[int], length: int) -> str:
    ends = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    made = model.generate(torch.tensor([tokens]), do_sample=False, max_new_tokens=length, pad_token_id=ends)
    return str(tokenizer.decode(made[0, len(tokens) :], skip_special_tokens=True))


if __name__ == "__main__":
    sparq.serve(main)
