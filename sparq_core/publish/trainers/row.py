"""What a line of an export is made of."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sparq_core.contract.records import Problem, Verdict
from sparq_core.ledger.dataset_columns import Asked, chat
from sparq_core.ledger.reader import Reader

Chat = list[dict[str, str]]
Grade = Callable[[Sequence[tuple[Problem, str]]], Sequence[Verdict]]
"""The reward that the trainer will use: verdicts on texts that answer problems."""


class Given(NamedTuple):
    """What the lines of an export are made from."""

    ledger: Reader
    say: Callable[[str], str]
    """An attempt's text as it is exported: whole, or without its thinking."""
    system: str | None
    """A message before each prompt."""
    pairs: int
    """Most pairs of a problem."""
    carries_extra: bool
    """Whether the trainer hands a problem's own data to the reward."""
    grade: Grade
    left_out: dict[str, str]
    """Problems that make no line, with the reasons; filled as they are met."""

    def prompt(self, asked: Asked) -> Chat:
        """What a model is asked."""
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*system, {"role": "user", "content": asked.prompt}]


class Row(NamedTuple):
    """One line: a problem, with no, one or two texts that answer it."""

    asked: Asked
    prompt: Chat
    right: str | None = None
    """A text that is right: an attempt, or the reference as a solution states it."""
    wrong: str | None = None
    """One that is wrong."""
    run: str = ""
    """The name of its pipeline."""
    split: str = ""
    """The file it is in."""
    place: int = 0
    """Which line of it, from 0."""


def answer(text: str | None) -> Chat:
    """An answer as a chat."""
    _, turn = chat("", text or "")
    return [turn]
