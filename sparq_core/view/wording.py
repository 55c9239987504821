"""How two texts differ, word by word."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MOST_WORDS = 1_000
"""Of each text: a comparison of longer ones would take too long, as texts may be made to have it."""
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Part(NamedTuple):
    """A part of either text, or of both."""

    kind: Literal["same", "gone", "new"]
    text: str


def shared(parts: Sequence[Part]) -> float:
    """The share of the new text's letters and digits that are in the old one, too."""
    letters = {
        kind: sum(map(str.isalnum, "".join(p.text for p in parts if p.kind == kind))) for kind in ("same", "new")
    }
    return letters["same"] / max(1, sum(letters.values()))


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
