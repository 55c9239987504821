"""
Pre-train sparq-tiny from scratch: `python train.py FOLDER`, about an hour on two cores.

Documents are packed into rows of 256 tokens; the loss is on what follows a prompt. Hidden matrices are trained by Muon, the
rest by AdamW; the learning rate is flat for half of the steps, then falls to almost nothing.
"""

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from corpus import answer, drill, textbook
from stories import Story, tell
from tokenizer import train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sparq_core.contract.config import ATTEMPT_PROMPT
from sparq_core.contract.records import Problem
from sparq_core.contract.templates import render
from sparq_mutate import PROMPT as MUTATE_PROMPT
from sparq_skills import PROMPT as SKILLS_PROMPT

ROW = 256
WARM_UP, DECAY = 100, 0.5
ANSWERS, DRILLS, MUTATIONS = 0.50, 0.15, 0.27
"""Shares of the examples; the rest names skills."""
SAME_FAMILY = 0.35
"""Share of textbook problems that are of their parent's kind."""
IGNORED = -100


def training_story(rng: random.Random, family: str | None = None) -> Story:
    """A story whose numbers are not kept for benchmarks."""
    while True:
        story = tell(rng, family)
        if not story.held_out:
            return story


def example(rng: random.Random) -> tuple[str, str]:
    """A prompt, as the plugins render it, and what follows it."""
    kind, story = rng.random(), training_story(rng)
    if kind < ANSWERS:
        return ask(story.statement), answer(rng, story)
    if kind < ANSWERS + DRILLS:
        question, worked = drill(rng)
        return ask(question), worked
    parent = problem(story.statement, textbook(rng, story))
    if kind < ANSWERS + DRILLS + MUTATIONS:
        child = training_story(rng, story.family if rng.random() < SAME_FAMILY else None)
        written = f"<problem>\n{child.statement}\n</problem>\n<solution>\n{textbook(rng, child)}\n</solution>"
        return render(MUTATE_PROMPT, "mutate", parent=parent), written
    return render(SKILLS_PROMPT, "skills", problem=parent, max=3), f"<skills>{', '.join(story.skills)}</skills>"


def ask(statement: str) -> str:
    return render(ATTEMPT_PROMPT, "attempts", problem=problem(statement))


def problem(statement: str, solution: str = "") -> Problem:
    return Problem(id="0.1.0", statement=statement, solution=solution)


def rows(
    tokenizer: PreTrainedTokenizerFast, rng: random.Random, batch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
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


def make_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=192,
            intermediate_size=512,
            num_hidden_layers=4,
            num_attention_heads=3,
            num_key_value_heads=3,
            head_dim=64,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--steps", type=int, default=5000)
    options.add_argument("--batch", type=int, default=48, help="rows a step")
    given = options.parse_args()
    torch.manual_seed(0)
    rng = random.Random("tokenizer")
    tokenizer = train_tokenizer(text for _ in range(20_000) for text in example(rng))
    model = make_model(tokenizer)
    optimizers = make_optimizers(model)
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    forward = torch.compile(model.model)
    batches = rows(tokenizer, random.Random("corpus"), given.batch)
    began, average = time.monotonic(), 0.0
    for step in range(given.steps):
        for optimizer, rates in zip(optimizers, peaks, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * schedule(step, given.steps)
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
    model.save_pretrained(given.folder)
    tokenizer.save_pretrained(given.folder)


if __name__ == "__main__":
    main()
