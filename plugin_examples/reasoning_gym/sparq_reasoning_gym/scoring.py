"""Reasoning-gym's scorers, run where they can do nothing but compute: they read what a model wrote."""

from collections.abc import Sequence
from typing import cast

from sparq_reasoning_gym.items import Item
from sparq_sandbox import Limits, Outcome, Sandbox, Value

PROGRAM = """
from reasoning_gym.factory import DATASETS

def score(family, item, answer):
    kind, config = DATASETS[family]
    scorer = kind.__new__(kind)  # without what only generating needs, files above all
    scorer.config = config()
    return float(scorer.score_answer(answer, item))

def scores(asked):
    return [attempted(*each) for each in asked]

def attempted(family, item, answer):
    try:
        return score(family, item, answer)
    except Exception as error:
        return type(error).__name__
"""
NONSENSE = "?!"


class Scorers:
    """The scorers in their sandbox; may be asked from any thread."""

    def __init__(self, seconds: float, memory: int) -> None:
        limits = Limits(seconds=seconds, wall=max(60.0, 10 * seconds), memory=memory << 20)
        self._sandbox = Sandbox(imports=("reasoning_gym",), limits=limits)

    def score(self, family: str, item: Item, answer: str) -> Outcome:
        """How right an answer is, from 0 to 1, in a process of its own: it cannot touch another answer's score."""
        return self._sandbox.run(PROGRAM, entry="score", arguments=(family, cast("Value", item), answer))

    def faults(self, items: Sequence[tuple[str, Item]]) -> list[str]:
        """For each item why its scorer is of no use, or nothing: it must tell the item's own answer from nonsense."""
        asked = [(family, item, answer) for family, item in items for answer in (item["answer"] or "", NONSENSE)]
        outcome = self._sandbox.run(PROGRAM, entry="scores", arguments=(cast("Value", asked),))
        told = outcome.value if isinstance(outcome.value, list) else [outcome.reason] * len(asked)
        return [
            _fault(item, own, nonsense) for (_, item), own, nonsense in zip(items, told[::2], told[1::2], strict=True)
        ]

    def close(self) -> None:
        self._sandbox.close()


def _fault(item: Item, own: object, nonsense: object) -> str:
    if nonsense == 1:
        return "its scorer takes nonsense for right"
    return f"its own answer is scored {own}" if item["answer"] is not None and own != 1 else ""
