"""An answer as it was read: cleaned, its unit apart, and its tree or the reason why there is none."""

import re
from dataclasses import dataclass
from functools import lru_cache

from sparq_sympy.reading import limits, spelling, units
from sparq_sympy.reading.formula import parse
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.reading.words import MEANING, as_words, choice, is_prose
from sparq_sympy.tree.nodes import Apply, Node, TooLargeError, Words, walk

CACHED = 20_000
"""Answers kept as read."""

_SHAPES = frozenset(
    {
        "set",
        "brackets",
        "relation",
        "matrix",
        "row",
        "ratio",
        "union",
        "intersection",
        "minus",
        "unknown-function",
        "base",
        "cases",
        "case",
        "list",
    }
)
_BASED = re.compile(
    r"(?:\\text\{)?\s*([0-9]*[A-Za-z]+[0-9][0-9A-Za-z]*|[0-9]+[A-Za-z][0-9A-Za-z]*)\s*\}?_\s*\{?\s*(\d\d?)\s*\}?"
)
"""A number with letters for digits, in its base: `A5_{11}`."""
_SINGLE = re.compile(r"(?<=[_^}c])\s*\{([0-9A-Za-z])\}(?![0-9A-Za-z])")
_CAPITALS = re.compile(r"[A-Z]{3,}")
"""A name, such as that of a triangle, and no product."""
_WHOLE_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_LABEL = re.compile(
    r"^\s*\\?(?:text\{)?\s*(?:the )?(?:final |correct )?"
    r"(?:(?:answer|choice|option)\s*(?:is|:)|(?:choice|option)(?=\s+\(?[A-Z]\b))\s*\}?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How one answer was read."""

    normal: str
    """The text without differences of spelling; equal ones are the same answer."""
    value: str
    """The text without its unit, as parsers get it."""
    words: str
    """The text as words: lower case, single spaces, no punctuation."""
    choice: tuple[str, str | None]
    """The letter, if it is one of a choice, and what follows it, if it is marked as that."""
    unit: str
    node: Node | None
    other: Node | None
    """The other reading of `1,234`: a list."""
    refused: str | None
    """Why there is no tree: `too-long`, `too-deep`, `too-large`, `control`, or `unparsed` and what was not understood."""


@lru_cache(maxsize=CACHED)
def read(text: str) -> Answer:
    """An answer's text, read."""
    cleaned = spelling.clean(text)
    if refused := limits.refuse(cleaned):
        return Answer(cleaned, cleaned, "", ("", None), "", None, None, refused)
    bare = spelling.plain(spelling.unwrap(_LABEL.sub("", cleaned)))
    if (whole := _WHOLE_TEXT.fullmatch(bare)) and re.search(r"\d", whole[1]):
        bare = spelling.plain(whole[1])
    value, unit = units.split(bare)
    value = spelling.unwrap(value)
    joined = spelling.without_thousands(value)
    unwrapped = spelling.unwrap(cleaned)
    words = as_words(unwrapped)
    node, refused = _tree(joined, words)
    other, _ = _tree(value, words) if value != joined and not re.search(r",\s*0\d", value) else (None, None)
    normal = _SINGLE.sub(r" \1", joined) + (f" {unit}" if unit else "")
    return Answer(normal, joined, words, choice(unwrapped), unit, node, other, refused)


def _tree(text: str, words: str) -> tuple[Node | None, str | None]:
    if words in MEANING:
        return MEANING[words], None
    if _CAPITALS.fullmatch(text):
        return Words(words), None
    if based := _BASED.fullmatch(text):
        return Apply("base", (Words(based[1].lower()),), based[2]), None
    try:
        node: Node | None = parse(text)
        refused = None
    except TooLargeError:
        return None, "too-large"
    except UnsupportedError as error:
        node, refused = None, f"unparsed: {error}"
    if _mixes_words(node) if node else is_prose(text):
        return Words(words), None
    return node, refused


def _mixes_words(node: Node) -> bool:
    """Whether words are calculated with: then it is a text."""
    return any(
        isinstance(below, Apply) and below.op not in _SHAPES and any(isinstance(arg, Words) for arg in below.args)
        for below in walk(node)
    )
