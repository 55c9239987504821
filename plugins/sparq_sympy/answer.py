"""An answer as it was read: cleaned, its unit apart, and its tree or the reason why there is none."""

import re
from dataclasses import dataclass
from functools import lru_cache

from sparq_sympy import screen, spelling, units
from sparq_sympy.exact import TooLargeError
from sparq_sympy.parser import parse
from sparq_sympy.syntax import Apply, Node, Symbol, Words, walk
from sparq_sympy.tokens import UnsupportedError

CACHED = 20_000
"""Answers kept as read."""

_SHAPES = frozenset(
    {
        "list",
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
    }
)
_PUNCTUATION = re.compile(r"\\text|\\[ ,;:!]|[{}$.!?\"']|\\$")
_LETTERS = re.compile(r"[A-Za-z]{3,}")
_BASED = re.compile(
    r"(?:\\text\{)?\s*([0-9]*[A-Za-z]+[0-9][0-9A-Za-z]*|[0-9]+[A-Za-z][0-9A-Za-z]*)\s*\}?_\s*\{?\s*(\d\d?)\s*\}?"
)
"""A number with letters for digits, in its base: `A5_{11}`."""
_ARTICLE = re.compile(r"^(?:the|an?) ")
_WHOLE_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_LABEL = re.compile(
    r"^\s*\\?(?:text\{)?\s*(?:the )?(?:final |correct )?(?:answer|choice|option)\s*(?:is|:)\s*\}?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How one answer was read."""

    normal: str
    """The text without differences of spelling; equal ones are the same answer."""
    words: str
    """The text as words: lower case, single spaces, no punctuation."""
    unit: str
    node: Node | None
    other: Node | None
    """The other reading of `1,234`: a list."""
    refused: str | None
    """Why there is no tree: `too-long`, `too-deep`, `too-large`, `control`, or `unparsed` and what was not understood."""


@lru_cache(maxsize=CACHED)
def read(text: str) -> Answer:
    """An answer's text, read."""
    cleaned = screen.clean(text)
    if refused := screen.refuse(cleaned):
        return Answer(cleaned, "", "", None, None, refused)
    bare = spelling.plain(spelling.unwrap(_LABEL.sub("", cleaned)))
    if (whole := _WHOLE_TEXT.fullmatch(bare)) and re.search(r"\d", whole[1]):
        bare = spelling.plain(whole[1])
    value, unit = units.split(bare)
    value = spelling.unwrap(value)
    joined = spelling.without_thousands(value)
    words = as_words(spelling.unwrap(cleaned))
    node, refused = _tree(joined, words)
    other, _ = _tree(value, words) if value != joined else (None, None)
    return Answer(joined + (f" {unit}" if unit else ""), words, unit, node, other, refused)


def as_words(text: str) -> str:
    """A text as words."""
    return _ARTICLE.sub("", " ".join(_PUNCTUATION.sub(" ", text).lower().split()))


def _tree(text: str, words: str) -> tuple[Node | None, str | None]:
    if based := _BASED.fullmatch(text):
        return Apply("base", (Words(based[1].lower()),), based[2]), None
    try:
        node = parse(text)
    except TooLargeError:
        return None, "too-large"
    except UnsupportedError as error:
        if is_prose(text):
            return Words(words), None
        return None, f"unparsed: {error}"
    if _mixes_words(node):
        return Words(words), None
    return node, None


def is_prose(text: str) -> bool:
    """Whether a text is mostly words, which no grammar of formulas will read."""
    letters = sum(len(word) for word in _LETTERS.findall(re.sub(r"\\text|\\[A-Za-z]+", " ", text)))
    return letters > len(text) / 2


def _mixes_words(node: Node) -> bool:
    """Whether words are calculated with: then it is a text."""
    return any(
        isinstance(below, Apply)
        and below.op not in _SHAPES
        and below.op != "base"
        and any(isinstance(arg, Words) for arg in below.args)
        for below in walk(node)
    )


def only_letter_unit(node: Node) -> str:
    """The last factor of a product, if it is a letter that is a unit: the `m` of `5 m`."""
    if (
        isinstance(node, Apply)
        and node.op == "*"
        and isinstance(last := node.args[-1], Symbol)
        and last.name.lower() in units.SHORT
    ):
        return units.canonical(last.name)
    return ""
