"""
How a small model is pre-trained: packed rows, two optimizers, one schedule. Shared by the scripts of every model of ours.

Documents are packed into rows of 256 tokens; the loss is on what follows a prompt. Hidden matrices are trained by Muon, the
rest by AdamW; the learning rate is flat for half of the steps, then falls to almost nothing.
"""

import random
import time
from collections.abc import Callable, Iterator

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

ROW = 256
WARM_UP, DECAY = 100, 0.5
IGNORED = -100

Example = Callable[[random.Random], tuple[str, str]]
"""A random prompt, and what follows it."""
Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""Tokens and their labels."""


def rows(tokenizer: PreTrainedTokenizerFast, example: Example, rng: random.Random, batch: int) -> Batches:
    """Batches of packed documents and their labels; prompts are not learned."""
    tokens: list[int] = []
    labels: list[int] = []
    while True:
        while len(tokens) < batch * ROW:
            texts = [example(rng) for _ in range(256)]
            prompts = tokenizer([f"<|user|>\n{p}<|end|>\n<|assistant|>\n" for p, _ in texts])["input_ids"]
            replies = tokenizer([f"{r}<|end|>" for _, r in texts])["input_ids"]
            for prompt, reply in zip(prompts, replies, strict=True):
                tokens += prompt + reply
                labels += [IGNORED] * len(prompt) + reply
        yield torch.tensor(tokens[: batch * ROW]).view(batch, ROW), torch.tensor(labels[: batch * ROW]).view(batch, ROW)
        del tokens[: batch * ROW], labels[: batch * ROW]


def make_optimizers(model: LlamaForCausalLM) -> list[torch.optim.Optimizer]:
    hidden = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(hidden, lr=0.02, momentum=0.95, weight_decay=0.05),
        torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor: up over the first steps, flat, and down over the second half."""
    return min(1.0, step / WARM_UP) * max(0.02, min(1.0, (steps - step) / (DECAY * steps)))


def pretrain(model: LlamaForCausalLM, batches: Batches, steps: int, *, compiled: bool) -> None:
    """Train a model in place, telling its loss now and then."""
    optimizers = make_optimizers(model)
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    forward = torch.compile(model.model) if compiled else model.model
    began, average = time.monotonic(), 0.0
    for step in range(steps):
        for optimizer, rates in zip(optimizers, peaks, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(step, steps)
        tokens, labels = next(batches)
        wanted = labels[:, 1:] != IGNORED
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = forward(tokens).last_hidden_state[:, :-1]
            logits = model.lm_head(hidden[wanted])
        loss = torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][wanted])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        average += (loss.item() - average) / min(step + 1, 50)
        if step % 100 == 0:
            print(f"step {step}, loss {average:.4f}, {time.monotonic() - began:.0f} s", flush=True)
