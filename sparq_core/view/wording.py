"""How two texts differ, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MOST_WORDS = 1_000
"""Of each text: a comparison of longer ones would take too long, as texts may be made to have it."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Part(NamedTuple):
    """A part of either text, or of both."""

    kind: Literal["same", "gone", "new"]
    text: str


def differences(before: str, after: str) -> list[Part] | None:
    """The words that both texts have and those that one has alone, in order; None where there are too many of them."""
    old, new = (_WORDS.findall(text) for text in (before, after))
    if max(len(old), len(new)) > MOST_WORDS:
        return None
    return list(_parts(old, new))


def _parts(old: list[str], new: list[str]) -> Iterator[Part]:
    for tag, i, until_i, j, until_j in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield Part("same", "".join(new[j:until_j]))
            continue
        if gone := "".join(old[i:until_i]):
            yield Part("gone", gone)
        if came := "".join(new[j:until_j]):
            yield Part("new", came)
