"""Bounds on what is parsed; an answer outside of them is refused, with the reason."""

import re

LONGEST = 2_000
"""Characters of an answer."""
DEEPEST = 40
"""Brackets inside each other; also of bars, and half of the signs in a row."""
MOST_DIGITS = 1_000
"""Digits of one number."""

_SIGNS_IN_A_ROW = re.compile(r"(?:[-+!^_]\s?){20}")
_DIGITS = re.compile(rf"\d{{{MOST_DIGITS + 1},}}")


def refuse(text: str) -> str | None:
    """Why a cleaned answer is not parsed: `too-long`, `too-deep`, `too-large` (digits) or `control`; None where it is."""
    if len(text) > LONGEST:
        return "too-long"
    depth = deepest = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
        elif (
            (character < " " and character not in "\t\n\r")
            or "\x7f" <= character < "\xa0"
            or "\ud800" <= character < "\ue000"
        ):
            return "control"
    if deepest > DEEPEST:
        return "too-deep"
    if _SIGNS_IN_A_ROW.search(text) or text.count("|") > DEEPEST:
        return "too-deep"
    return "too-large" if _DIGITS.search(text) else None
