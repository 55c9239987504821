"""What shows that a server serves certain weights: fixed texts, as it and as the local weights read them."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Self

import msgspec
from msgspec import Struct

import sparq_core as sparq

SUMS = ((7, 5, 12), (38, 64, 102), (125, 9, 134), (46, 46, 92), (3, 81, 84), (250, 175, 425), (19, 23, 42), (60, 8, 68))
CHATS = [
    [
        {
            "role": "user",
            "content": f"A shop sells {a} apples on Monday and {b} on Tuesday. How many does it sell in all?",
        },
        {"role": "assistant", "content": f"It sells {a} + {b} = {c} apples in all. The answer is \\boxed{{{c}}}."},
    ]
    for a, b, c in SUMS
]
"""What is read: in the form that training examples have, since training changes most what follows it."""
LENGTH = 24
"""Tokens of a greedy answer."""

Logprobs = Sequence[Sequence[float]]
"""For each text, those of all its tokens but the first."""


class Read(Struct, frozen=True):
    """The texts as weights read them: those to be served and, where there are, those that were served before."""

    tokens: list[list[int]]
    """Of each text."""
    by_model: list[list[list[float]]]
    """Log-probabilities, by weights, then by text."""

    @classmethod
    def of(cls, models: Sequence[str], log: Path) -> Self:
        """Found by the local weights in these folders, in a process of its own."""
        return msgspec.json.decode(_worked({"models": list(models), "chats": CHATS}, log), type=cls)

    def against(self, served: Logprobs, tolerance: float) -> str:
        """What a server's log-probabilities show against it; empty where nothing."""
        new, *before = (_distance(served, of) for of in self.by_model)
        if not new <= tolerance:
            return (
                f"gives log-probabilities of fixed texts that differ from the local weights' by {new:.2g} a token on average "
                f"(with.tolerance allows {tolerance:g})"
            )
        if before and before[0] < new:
            return (
                "gives log-probabilities of fixed texts that are nearer to those of the weights before "
                f"({before[0]:.2g} a token) than to those of the new ones ({new:.2g})"
            )
        return ""


class Answered(Struct, frozen=True):
    """Greedy answers to the texts' questions, for servers that tell no log-probabilities."""

    by_model: list[list[str]]
    """By weights, then by text."""

    @classmethod
    def of(cls, models: Sequence[str], log: Path) -> Self:
        """As the local weights in these folders answer, in a process of its own."""
        return msgspec.json.decode(_worked({"models": list(models), "chats": CHATS, "length": LENGTH}, log), type=cls)

    def against(self, served: Sequence[str]) -> str:
        """What a server's answers show against it; empty where nothing. They count where the weights before differ."""
        new, *before = self.by_model
        telling = [i for i in range(len(new)) if not before or new[i] != before[0][i]]
        if not telling:
            return (
                "gives no log-probabilities, and the weights before answer fixed questions as the new ones do, so nothing "
                "shows which it serves; take a server whose completions have `echo` and `logprobs`, such as vLLM's"
            )
        as_new = sum(_same(served[i], new[i]) for i in telling)
        as_before = sum(_same(served[i], before[0][i]) for i in telling) if before else 0
        if as_new > as_before and 2 * as_new >= len(telling):
            return ""
        return f"gives no log-probabilities, and answers {as_new} of {len(telling)} fixed questions as the local weights do"


def _worked(job: dict[str, Any], log: Path) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sparq-proof-") as folder:
        out = Path(folder) / "evidence.json"
        sparq.run_worker("sparq_openai.worker", {**job, "out": str(out)}, log)
        return out.read_bytes()


def _distance(served: Logprobs, local: Logprobs) -> float:
    """Mean difference of a token."""
    return fmean(
        abs(a - b) for left, right in zip(served, local, strict=True) for a, b in zip(left, right, strict=True)
    )


def _same(left: str, right: str) -> bool:
    return left.strip() == right.strip()
