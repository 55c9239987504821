"""An answer as it was read: cleaned, its unit apart, and its tree or the reason why there is none."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from sparq_sympy.reading import (
    bases,
    chains,
    items,
    limits,
    markup,
    notation,
    numerals,
    pairs,
    sentences,
    spelling,
    subjects,
    units,
)
from sparq_sympy.reading.approximations import approximated
from sparq_sympy.reading.conditions import condition, with_condition
from sparq_sympy.reading.formula import parse
from sparq_sympy.reading.meanings import meaning
from sparq_sympy.reading.times import moment
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.reading.words import as_words, choice, is_prose, names_apart
from sparq_sympy.tree.nodes import Apply, Node, Number, TooLargeError, Words, walk

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
        "measure",
        "time",
        "date",
    }
)
_SINGLE = re.compile(r"(?<=[_^}c])\s*\{([0-9A-Za-z])\}(?![0-9A-Za-z])")
_CAPITALS = re.compile(r"[A-Z]{3,}")
"""A name, such as that of a triangle, and no product."""
_HOLDS_MORE = re.compile(r"\d|^\s*\(?[A-Z]\)?(?:(?:\s*,\s*(?:and\s+)?|\s*\band\b\s*)\(?[A-Z]\)?)+\s*$")
"""A text that is read as if it were none: it has digits, or is letters of choices."""
_AFTERTHOUGHT = re.compile(r"\.\s+(?:I|It|This|We|Note)\b[^\d\\=$]*$")
"""A sentence without anything of an answer after one."""
_WHOLE_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_FIGURE = re.compile(
    r"^(?:the )?(?:\\text\{)?(angle|triangle) ?\}? ?(?:\\text\{)?([A-Z]{1,3})\}?(?=\s*(?:=|$))", re.IGNORECASE
)
_WORDY = re.compile(
    r"(?<![\\A-Za-z])[A-Za-z]{2}|\\text|[:<>]|\\(?:le|ge|ne|in)(?![a-df-pr-z])|[A-Z]'?\(|[a-z\d]\)|\.[mM]|/\d+/|-\d\d-"
    r"|(?:%|\\circ\}?)\s*=|=[^=]*(?:%|\\circ)|\d\s?[Rr]\s?\d"
)
"""
What an answer has that is more than a formula: words, a clock's colon, a condition, the number of an item, a point with its
name, a date, a unit on the way.
"""
_LABEL = re.compile(
    r"^\s*\\?(?:text\{)?\s*(?:the )?(?:final |correct )?"
    r"(?:(?:answer|choice|option)\s*(?:is\s*:?|:)|(?:choice|option)(?=\s+\(?[A-Z]\b))\s*\}?",
    re.IGNORECASE,
)


_READERS = (pairs.divided, pairs.scaled, chains.chained, items.enumerated, items.placed, items.named, items.measured)


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
    """The other reading of `1,234`, a list, or of `7:30`, a ratio."""
    condition: Node | None
    """What stands after the value, as in `x^2 for x > 0`."""
    refused: str | None
    """Why there is no tree: `too-long`, `too-deep`, `too-large`, `control`, or `unparsed` and what was not understood."""
    said_of: frozenset[str] = frozenset()
    """The amounts it names, where one may stand for another: the radius, the mean."""
    near: tuple[Node, Node, int] | None = None
    """A constant, its approximation and the power of ten of the last digit of that, as in `\\pi \\approx 3.14`."""


@lru_cache(maxsize=CACHED)
def read(text: str) -> Answer:
    """An answer's text, read."""
    cleaned = spelling.clean(text)
    if refused := limits.refuse(cleaned):
        return Answer(cleaned, cleaned, "", ("", None), "", None, None, None, refused)
    unwrapped = _without_label(spelling.unwrap(markup.mended(cleaned)))
    bare = _bare(unwrapped)
    answer = _value(bare, choice(unwrapped))
    return replace(answer, said_of=subjects.subjects(bare), near=approximated(bare))


def _value(bare: str, letter: tuple[str, str | None]) -> Answer:
    """What a text in one spelling has for its value."""
    said, given = _said(bare) if (wordy := bool(_WORDY.search(bare))) else (notation.usual(bare), "")
    value, unit = units.split(said)
    value = spelling.unwrap(value)
    joined = spelling.without_thousands(value)
    words = as_words(said)
    node = _in_its_own_way(said, words) if wordy else None
    if node is not None:
        other = _formula(joined) if isinstance(node, Apply) and node.op == "time" and not node.data else None
        return _answer(said, "", words, letter, given, node, other, None)
    node, refused = _tree(joined, words)
    other = _formula(value) if value != joined and not re.search(r",\s*0\d", value) else None
    return _answer(joined, unit, words, letter, given, node, other, refused)


def _said(text: str) -> tuple[str, str]:
    """What a text says, without the sentence around it, and the condition after it."""
    value, given = condition(text)
    return notation.usual(numerals.in_digits(sentences.statement(value))), given


def _without_label(text: str) -> str:
    """A text without what calls it the answer, or one of a choice."""
    if (whole := _WHOLE_TEXT.fullmatch(text)) and _LABEL.match(whole[1]):
        text = whole[1]
    return spelling.unwrap(_LABEL.sub("", _LABEL.sub("", _AFTERTHOUGHT.sub("", text))))


def _bare(text: str) -> str:
    """A text in one spelling, and no longer marked as text where it holds more."""
    bare = _FIGURE.sub(_named_figure, names_apart(spelling.plain(text)))
    if not (whole := _WHOLE_TEXT.fullmatch(bare)):
        return bare
    inside = numerals.in_digits(whole[1].strip())
    return spelling.plain(inside) if _HOLDS_MORE.search(inside) else bare


def _named_figure(found: re.Match[str]) -> str:
    return rf"\{found[1].lower()} {found[2]}"


def _answer(
    value: str,
    unit: str,
    words: str,
    letter: tuple[str, str | None],
    given: str,
    node: Node | None,
    other: Node | None,
    refused: str | None,
) -> Answer:
    condition = (_formula(given) or Words(as_words(given))) if given else None
    if node is not None and not given:
        node, condition = with_condition(node)
    normal = " ".join(part for part in (_SINGLE.sub(r" \1", value), unit, given and f"({given})") if part)
    return Answer(normal, value, words, letter, unit, node, other, condition, refused)


def _in_its_own_way(text: str, words: str) -> Node | None:
    """The tree of what is no formula: a time, a date, a number in words, items with names or units."""
    if (meant := meaning(words)) is not None:
        return meant
    if (number := numerals.in_words(words)) is not None:
        return Number(number)
    found = (node for reader in _READERS if (node := reader(text, parse)) is not None)
    return moment(text) or next(found, None)


def _formula(text: str) -> Node | None:
    try:
        node = parse(text)
    except (TooLargeError, UnsupportedError):
        return None
    return None if _mixes_words(node) else node


def _tree(text: str, words: str) -> tuple[Node | None, str | None]:
    if _CAPITALS.fullmatch(text):
        return Words(words), None
    if (based := bases.based(text)) is not None:
        return based, None
    try:
        node: Node | None = parse(text)
        refused = None
    except TooLargeError:
        return None, "too-large"
    except UnsupportedError as error:
        node, refused = items.equated(text, parse), f"unparsed: {error}"
    if _mixes_words(node) if node else is_prose(text):
        return Words(words), None
    return node, refused


def _mixes_words(node: Node) -> bool:
    """Whether words are calculated with: then it is a text."""
    return any(
        isinstance(below, Apply) and below.op not in _SHAPES and any(isinstance(arg, Words) for arg in below.args)
        for below in walk(node)
    )
