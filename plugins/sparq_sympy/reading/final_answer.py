"""The final answer of a solution, with where and how it was found, in linear time."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

import sparq_core as sparq

TAIL = 4_000
"""Characters at the end of a text that are searched; a box is looked for in all of it."""
MARKERS = ("answer is", "answer:")
_BOX = "\\boxed{"
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")


class Found(Struct, frozen=True):
    """A final answer: its text, how it was marked, and whether the same sentence gives another one."""

    answer: str
    how: Literal["boxed", "hashes", "stated"]
    at: int
    """Characters before the mark."""
    hedged: bool = False


def final_answer(text: str, markers: Sequence[str] = MARKERS) -> Found | None:
    r"""
    The last balanced `\boxed{}`, else the last `#### x`, else what follows the last marker; None without any.

    Of several boxes the last counts. Two different ones in one last sentence are a hedge.
    """
    if (answer := sparq.last_boxed(text)) is not None:
        at = _box_of(text, answer)
        return Found(answer, "boxed", at, _hedges(text, at, answer)) if answer else _marked(text, markers)
    return _marked(text, markers)


def _box_of(text: str, answer: str) -> int:
    end = text.rfind(answer) if answer else len(text)
    return max(0, text.rfind(_BOX, 0, end + 1))


def _hedges(text: str, at: int, answer: str) -> bool:
    """Whether the sentence before the last box holds another box with another answer."""
    start = max(0, at - 400)
    before = text[start:at]
    ends = [found.end() for found in _SENTENCE_END.finditer(before)]
    sentence = before[ends[-1] :] if ends else before
    other = sparq.last_boxed(sentence)
    return other is not None and "".join(other.split()) != "".join(answer.split())


def _marked(text: str, markers: Sequence[str]) -> Found | None:
    start = max(0, len(text) - TAIL)
    tail = text[start:]
    if answer := sparq.marked_answer(tail):
        return Found(answer, "hashes", start + tail.rfind("####"))
    every = list(_pattern(tuple(markers)).finditer(tail))
    if not every:
        return None
    stated = every[-1]
    sentence = _SENTENCE_END.split(stated[1].lstrip(" *:=\t") + "\n")[0]
    answer = sentence.strip(" *:\t")
    return Found(answer, "stated", start + stated.start()) if answer else None


@lru_cache(maxsize=16)
def _pattern(markers: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(re.escape(marker).replace(":", r"\**:") for marker in markers)
    return re.compile(rf"\b(?:{either})[ \t:*]{{0,6}}\n{{0,2}}([^\n]{{1,300}})", re.IGNORECASE)
