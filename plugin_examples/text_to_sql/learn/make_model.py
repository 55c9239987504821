"""
Make what `learn.yaml` needs: `python make_model.py` writes `seeds.jsonl`, `held_out.jsonl` and `model/`.

The text is of two kinds. *Answers* (a question, then a query, as on a forum) are often mistaken, each form of question at a
rate of its own. *Textbook* text (another question and its query, written after one) is right. So the model can write
questions whose reference is right, and has much to learn in answering them.
`plugins/sparq_tiny/pretrain` holds how it is trained.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from questions import MISTAKEN, Question, ask

from sparq_text_to_sql import statement

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[2] / "plugins" / "sparq_tiny" / "pretrain"))

from small import save, small_model, small_tokenizer

ANSWERS, SAME_FORM = 0.6, 0.4
"""Shares: of answers among all text, and of textbook questions in the form of the one before."""
SEEDS, ITEMS = 60, 90
WIDTH, STEPS, BATCH = 104, 500, 12


def example(rng: random.Random) -> tuple[str, str]:
    """A prompt as `learn.yaml` has it, and what follows it."""
    question = training_question(rng)
    prompt = f"{question.schema}: {question.text}"
    if rng.random() < ANSWERS:
        query = question.mistake if rng.random() < MISTAKEN[question.form] else question.query
        return prompt, fenced(query)
    child = training_question(rng, question.schema, question.form if rng.random() < SAME_FORM else None)
    return f"{prompt}\nAnother one:", f"<question>{child.text}</question>\n<query>{child.query}</query>"


def training_question(rng: random.Random, schema: str | None = None, form: str | None = None) -> Question:
    """A question that is not kept for the benchmark."""
    while (question := ask(rng, schema, form)).held_out:
        pass
    return question


def fenced(query: str) -> str:
    return f"```sql\n{query}\n```"


def distinct(rng: random.Random, *, held_out: bool) -> Iterator[Question]:
    """Questions of all forms alike, no two with the same query; without end."""
    seen: set[str] = set()
    while True:
        for form in MISTAKEN:
            question = ask(rng, form=form)
            if question.held_out == held_out and question.query not in seen:
                seen.add(question.query)
                yield question


def row(question: Question) -> str:
    """A line of the seeds or of the benchmark."""
    columns = {
        "problem": statement(question.schema, question.text),
        "answer": question.query,
        "solution": fenced(question.query),
        "schema": question.schema,
        "question": question.text,
        "form": question.form,
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
