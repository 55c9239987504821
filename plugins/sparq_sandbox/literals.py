"""
Values as text: what a program answers is read here, in our process, so nothing in it is run and nothing in it can hurt.

`ast.literal_eval` does the reading. Before it, one pass over the text sees to it that there is nothing but literals in it, not
too many and not too deep: on other text Python's parser can exhaust the stack, and a set of numbers that were chosen to
collide takes time that grows with the square of their count.
"""

import ast
import re
from threading import Lock
from typing import cast

from sparq_sandbox.records import Value

DEEPEST, MOST_PARTS, MOST_KEYED = 50, 200_000, 5_000
"""Brackets within brackets; texts, numbers and marks; entries of all sets and dictionaries."""
_NUMBER = r"(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?"
_HEX = "[0-9a-f]"
_BYTE = rf"""\\(?:[\\'"nrt]|x{_HEX}{{2}})"""
_CHARACTER = rf"""\\(?:[\\'"nrt]|x{_HEX}{{2}}|u{_HEX}{{4}}|U{_HEX}{{8}})"""
_TOKEN = re.compile(
    rf"""\s*+(?:(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<comma>,)|:
    |'(?:[^'\\\n]|{_CHARACTER})*+'|"(?:[^"\\\n]|{_CHARACTER})*+"
    |b'(?:[^'\\\n]|{_BYTE})*+'|b"(?:[^"\\\n]|{_BYTE})*+"
    |[+-]?{_NUMBER}(?:j|[+-]{_NUMBER}j)?(?![\w.'"])|(?:True|False|None|set\(\))(?![\w'"]))\s*+""",
    re.VERBOSE,
)
"""What `repr` makes of literals, and no more: other escapes would make Python warn."""
_parsing = Lock()
"""CPython 3.11 counts how deep it is in one place for all threads: two that parse at once may both end with a SystemError."""
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class NotALiteralError(ValueError):
    """The text is no literal, or a larger one than is read."""


def read_literal(text: str) -> Value:
    """The value a text spells, as `repr` does; NotALiteralError where it is none."""
    _inspect(text)
    try:
        with _parsing:
            return cast("Value", ast.literal_eval(text.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise NotALiteralError(f"it does not read as one: {error}") from error


def write_literal(value: Value) -> str:
    """The text of a value; NotALiteralError for what no literal can say."""
    try:
        text = repr(value)
        read_literal(text)
    except (ValueError, RecursionError) as error:
        raise NotALiteralError(f"programs are handed literals only, this is something else: {error}") from error
    return text


def _inspect(text: str) -> None:
    place = parts = keyed = 0
    opened: list[str] = []
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise NotALiteralError(f"from character {place} on there is something else")
        place, parts = token.end(), parts + 1
        if bracket := token["open"]:
            opened.append(bracket)
            keyed += bracket == "{"
        elif (bracket := token["close"]) and not (opened and _CLOSING[opened.pop()] == bracket):
            raise NotALiteralError(f"a bracket before character {place} closes nothing")
        keyed += token["comma"] is not None and opened[-1:] == ["{"]
        if len(opened) > DEEPEST or parts > MOST_PARTS or keyed > MOST_KEYED:
            raise NotALiteralError(
                f"it goes beyond {DEEPEST} levels, {MOST_PARTS:,} parts or {MOST_KEYED:,} entries of sets and dictionaries"
            )
