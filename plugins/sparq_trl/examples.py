"""The rows of a round's dataset, problem by problem."""

from pathlib import Path
from typing import Any

from msgspec import Struct

import sparq_core as sparq


class Chosen(Struct, frozen=True):
    """A problem of the dataset."""

    problem: str
    """Its id."""
    prompt: list[dict[str, Any]]
    """The chat that its attempts were asked with."""
    attempts: frozenset[int]
    """Which of its attempts were chosen, by k; none of a seed, whose own solution it is."""


def chosen(dataset: Path) -> list[Chosen]:
    """The problems of a dataset, each once, in the order of their first rows."""
    prompts: dict[str, list[dict[str, Any]]] = {}
    attempts: dict[str, set[int]] = {}
    for line in sparq.json_lines(str(dataset)):
        problem, _, k = line.row["id"].partition("/")
        prompts.setdefault(problem, line.row["messages"][:-1])
        attempts.setdefault(problem, set()).update([int(k)] if k else [])
    return [Chosen(problem, prompt, frozenset(attempts[problem])) for problem, prompt in prompts.items()]
