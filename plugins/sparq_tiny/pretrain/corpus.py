"""
The pre-training text, of three kinds and of mixed quality, as web text is.

*Answers* (a problem, then a solution, as on a forum) follow a common mistake more often than not; how often is fixed for each
kind of story. *Textbook* text (a problem together with its solution, written after another one) is right. *Drills* are bare
arithmetic. So the model knows how to solve what, asked directly, it mostly gets wrong.
"""

import hashlib
import random

from stories import LARGEST, OPERATIONS, Step, Story

MISTAKEN = (0.35, 0.85)
"""Least and greatest share of mistaken answers; each kind of story has its own in between."""

OPENERS = ("First, {}.", "We start with {}.", "To begin, {}.", "{}.")
LINKS = ("Then {}.", "Next, {}.", "After that, {}.", "Now {}.")
ENDINGS = ("The answer is \\boxed{{{}}}.", "So the answer is \\boxed{{{}}}.")


def worked(rng: random.Random, steps: tuple[Step, ...]) -> str:
    """Steps as a solution that works them out."""
    first, *rest = (f"{a} {op} {b} = {c}" for a, op, b, c in steps)
    lines = [rng.choice(OPENERS).format(first), *(rng.choice(LINKS).format(equation) for equation in rest)]
    return " ".join([*lines, rng.choice(ENDINGS).format(steps[-1][3])])


def mistaken_share(family: str) -> float:
    """How often answers to a kind of story are mistaken; by hash, so that it follows no pattern."""
    low, high = MISTAKEN
    return low + (high - low) * hashlib.sha256(family.encode()).digest()[1] / 255


def answer(rng: random.Random, story: Story) -> str:
    """A solution as a forum would have it."""
    return worked(rng, story.mistake if rng.random() < mistaken_share(story.family) else story.steps)


def textbook(rng: random.Random, story: Story) -> str:
    """A solution as a textbook would have it."""
    return worked(rng, story.steps)


def drill(rng: random.Random) -> tuple[str, str]:
    """A bare calculation, with numbers up to those of the largest stories."""
    while True:
        op = rng.choice("+-*/")
        a, b = rng.randint(2, 400), rng.randint(1, 200)
        if op in "*/":
            a, b = rng.choice(((rng.randint(2, 20), rng.randint(2, 20)), (rng.randint(2, 200), rng.randint(2, 12))))
        if op == "/":
            a, b = a * b, rng.choice((a, b))
        result = OPERATIONS[op](a, b)
        if 0 < result <= LARGEST:
            return f"What is {a} {op} {b}?", f"{a} {op} {b} = {result}. The answer is \\boxed{{{result}}}."
