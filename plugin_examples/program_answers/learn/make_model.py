"""
Make what `learn.yaml` needs: `python make_model.py` writes `seeds.jsonl` and `held_out.jsonl` and trains `model/`.

The text is of two kinds. *Answers* (a problem, then a solution, as on a forum) are often mistaken, each form of problem at a
rate of its own. *Textbook* text (another problem with its solution and its program, written after one) is right.
`plugins/sparq_tiny/pretrain` holds how the model is trained.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from problems import MISTAKEN, MathProblem, pose

import sparq_core as sparq

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "plugins" / "sparq_tiny" / "pretrain"))

from small import save, small_model, small_tokenizer

ANSWERS, SAME_FORM = 0.6, 0.4
"""Shares: of answers among all text, and of textbook problems in the form of the one before."""
SEEDS, ITEMS = 60, 90
WIDTH, STEPS, BATCH = 104, 1000, 6


def example(rng: random.Random) -> tuple[str, str]:
    """A prompt as `learn.yaml` has it, and what follows it."""
    problem = training_problem(rng)
    if rng.random() < ANSWERS:
        return problem.statement, problem.mistake if rng.random() < MISTAKEN[problem.form] else problem.solution
    child = training_problem(rng, problem.form if rng.random() < SAME_FORM else None)
    parts = {"problem": child.statement, "solution": child.solution, "program": child.program}
    written = "\n".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items())
    return f"{problem.statement}\nAnother one, with a program:", written


def training_problem(rng: random.Random, form: str | None = None) -> MathProblem:
    """A problem that is not kept for the benchmark."""
    while (problem := pose(rng, form)).held_out:
        pass
    return problem


def distinct(rng: random.Random, *, held_out: bool) -> Iterator[MathProblem]:
    """Problems of all forms alike, no two the same; without end."""
    seen: set[str] = set()
    while True:
        for form in MISTAKEN:
            problem = pose(rng, form)
            if problem.held_out == held_out and problem.statement not in seen:
                seen.add(problem.statement)
                yield problem


def row(problem: MathProblem) -> str:
    """A line of the seeds or of the benchmark."""
    columns = {
        "problem": problem.statement,
        "answer": sparq.last_boxed(problem.solution),
        "solution": problem.solution,
        "program": problem.program,
        "form": problem.form,
    }
    return json.dumps(columns) + "\n"


def main() -> None:
    for name, count, held_out in (("seeds", SEEDS, False), ("held_out", ITEMS, True)):
        rows = map(row, islice(distinct(random.Random(name), held_out=held_out), count))
        (HERE / f"{name}.jsonl").write_text("".join(rows), encoding="utf-8")
    torch.set_num_threads(1)
    tokenizer = small_tokenizer(example)
    model = small_model(tokenizer, example, width=WIDTH, steps=STEPS, batch=BATCH)
    save(model, tokenizer, HERE / "model")


if __name__ == "__main__":
    main()
