"""
Pre-train sparq-tiny from scratch: `python train.py FOLDER`, about an hour on two cores.

How is in `recipe.py`.
"""

import argparse
import random
from pathlib import Path

import torch
from corpus import answer, drill, textbook
from recipe import pretrain, rows
from stories import Story, tell
from tokenizer import train_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sparq_core.contract.config import ATTEMPT_PROMPT
from sparq_core.contract.records import Problem
from sparq_core.contract.templates import render
from sparq_mutate import PROMPT as MUTATE_PROMPT
from sparq_skills import PROMPT as SKILLS_PROMPT

ANSWERS, DRILLS, MUTATIONS = 0.50, 0.15, 0.27
"""Shares of the examples; the rest names skills."""
SAME_FAMILY = 0.35
"""Share of textbook problems that are of their parent's kind."""


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
    pretrain(model, rows(tokenizer, example, random.Random("corpus"), given.batch), given.steps, compiled=True)
    model.save_pretrained(given.folder)
    tokenizer.save_pretrained(given.folder)


if __name__ == "__main__":
    main()
