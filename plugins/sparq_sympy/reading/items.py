"""Items of an answer that carry a name, a number or a unit each: `Ann: 4, Ben: 6`, `4 apples and 6 pears`, `(1) 5 (2) 7`."""

import re
from collections.abc import Callable

from sparq_sympy.reading import units
from sparq_sympy.reading.names import KNOWN
from sparq_sympy.reading.stories import NEVER
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import Apply, Node, Symbol, Words

Parse = Callable[[str], Node]
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_SEPARATOR = re.compile(r"\s*(?:;|,(?!(?<=\d,)\d{3}(?!\d)))\s*(?:\band\b\s*)?|(?:\s+|(?<=[)\]}]))and\b\s*")
_NAME = r"[A-Za-z][A-Za-z' -]{0,40}?"
_NAMED = re.compile(rf"({_NAME}\d?)\s*(?::|=|\bis\b|\bare\b|\bhas\b|\bhave\b|\bgets?\b|\bpays\b|\bwas\b|->)\s*(\S.*)")
_LETTER = re.compile(r"[A-Za-z]\s*:")
_SPACED = re.compile(rf"({_NAME[:-1]})(?:\s+|(?=[-(\[]))(-?\$?\d\S*(?: [A-Za-z^0-9/]+)?|[(\[][^()\[\]]*[)\]])")
_PLACED = re.compile(r"([A-Z](?:'|_\{?\d\}?)?)\s*(\((?=[^()=]*[\d\\])[^=]*,[^=]*\))")
_COUNTED = re.compile(r"(-?\d\S*)\s+([A-Za-z][A-Za-z -]{2,30})")
_ORDER = ("123456789", "abcdefghi", ("i", "ii", "iii", "iv", "v", "vi", "vii"))
_MARK = re.compile(r"(?:^|(?<=[\s,;\w.})]))(?:\(\s*(\d|[a-i]|[iv]{1,3})\s*\)|(\d|[a-i]|[iv]{1,3})\))\s*")
_JOINING = re.compile(r",?\s*(?:\\text\{\s*(and|or)\s*\})\s*,?")
MOST = 60
"""Items that are looked at."""


def split(text: str) -> list[str]:
    """A text at its separators outside of brackets."""
    found, start, depth = [], 0, 0
    at = 0
    while at < len(text):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[at], 0)
        match = _SEPARATOR.match(text, at) if not depth and (text[at] in ",; \ta") else None
        if match:
            found.append(text[start : match.start()])
            start = at = match.end()
        else:
            at += 1
    return [item for item in (*found, text[start:]) if item.strip()]


def enumerated(text: str, parse: Parse) -> Node | None:
    """The answers to several questions, each after its number: `(1) 5 (2) 7`, `a) 3, b) 4`."""
    marks = list(_MARK.finditer(text))
    names = [(mark[1] or mark[2]) for mark in marks]
    if len(names) < 2 or marks[0].start() or not any(names == list(order[: len(names)]) for order in _ORDER):
        return None
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    answers = [text[mark.end() : end].strip(" ,;.") for mark, end in zip(marks, ends, strict=True)]
    numbered = _relations([(f"({k})", answer) for k, answer in enumerate(answers, start=1)], parse)
    return _with_names_of_their_own(numbered) if numbered else None


def _with_names_of_their_own(numbered: Node) -> Node:
    """The answers without their numbers, where each is an equation itself."""
    values = [item.args[1] for item in numbered.args if isinstance(item, Apply)] if isinstance(numbered, Apply) else []
    named = bool(values) and all(isinstance(value, Apply) and value.op == "relation" for value in values)
    return Apply("list", tuple(values)) if named else numbered


def placed(text: str, parse: Parse) -> Node | None:
    """Points with their names, as equations: `A(1, 2), B(3, 4)`; None of any other text."""
    found = [_PLACED.fullmatch(item.strip()) for item in split(text)]
    if not found or not all(found):
        return None
    return _relations([(match[1], match[2]) for match in found if match], parse)


def named(text: str, parse: Parse) -> Node | None:
    """Values with names in words, as equations about these; None of any other text."""
    plain = _TEXT.sub(r" \1 ", text).strip() if r"\text" in text else text
    if not re.search(r"[A-Za-z]", plain) or not re.search(r"[:=]|[A-Za-z]{2}", plain):
        return None
    items = split(plain)
    if not 0 < len(items) <= MOST or units.compound(plain):
        return None
    for pattern, name, value in ((_NAMED, 1, 2), (_COUNTED, 2, 1), (_SPACED, 1, 2)):
        found = [pattern.fullmatch(item.strip()) for item in items]
        pairs = [(_name(match[name]), match[value]) for match in found if match]
        if pattern is _NAMED and len(pairs) == len(items) > 1 and all(_LETTER.match(item.strip()) for item in items):
            return _relations(
                [(item.strip()[0], match[2]) for item, match in zip(items, found, strict=True) if match], parse
            )
        if len(pairs) == len(items) and _tell_apart([name for name, _ in pairs], pattern):
            return _relations(pairs, parse)
    return None


def equated(text: str, parse: Parse) -> Node | None:
    """A value with a name that no grammar reads, such as `(f ∘ g)(x) = x + 1`."""
    name, sign, value = text.partition("=")
    if not sign or "=" in value or not re.search(r"[A-Za-z]", name) or re.search(r"[<>,;]|\\(?:le|ge|ne)", name):
        return None
    try:
        return Apply("relation", (Words(" ".join(name.split())), parse(value)), "=")
    except UnsupportedError:
        return None


def measured(text: str, parse: Parse) -> Node | None:
    """A list of values with units; None where no item has one, or there are no several."""
    if not re.search(r"[,;]|\band\b|\bor\b", text) or units.compound(text):
        return None
    text = _JOINING.sub(r" \1 ", text)
    plain = re.sub(r"\s+or\s+", " and ", text)
    items = split(plain)
    if not 1 < len(items) <= MOST:
        return None
    parts = [units.split(item) for item in items]
    if not any(unit for _, unit in parts):
        return None
    shared = parts[-1][1] if plain == text and not any(unit for _, unit in parts[:-1]) else ""
    try:
        nodes = [_measure(parse(value), unit or shared) for value, unit in parts]
    except UnsupportedError:
        return None
    return Apply("list", tuple(nodes), "or" if plain != text else "and")


def _measure(node: Node, unit: str) -> Node:
    return Apply("measure", (node,), unit) if unit else node


def _name(text: str) -> str:
    words = re.sub(r"^(?:the|an?|and|then|of)\s+", "", " ".join(text.lower().split()))
    return words.removesuffix("s") if len(words) > 3 else words


def _tell_apart(names: list[str], pattern: re.Pattern[str]) -> bool:
    """Whether names in words tell values apart; a single one must be more than a letter, and said to have its value."""
    if not all(_is_name(name, pattern) for name in names):
        return False
    if len(set(names)) < len(names) or any(units.is_unit(name) for name in names if pattern is not _NAMED):
        return False
    if any(NEVER.search(name) or (re.search(r"\b(?:least|most|than|or|if)\b", name) and " " in name) for name in names):
        return False
    if len(names) == 1:
        return pattern is _NAMED and len(names[0]) > 2
    return True


def _is_name(name: str, pattern: re.Pattern[str]) -> bool:
    """Whether it is a word, and neither a variable nor a function."""
    words = re.findall(r"[a-z]+", name)
    if any(word in KNOWN for word in words):
        return False
    return any(len(word) > 2 for word in words) or (pattern is _NAMED and name.isalpha() and len(name) == 2)


def _relations(pairs: list[tuple[str, str]], parse: Parse) -> Node | None:
    try:
        found = []
        for name, text in pairs:
            value, unit = units.split(text)
            name_node = Symbol(name) if len(name) == 1 else Words(name)
            found.append(Apply("relation", (name_node, _measure(parse(value), unit)), "="))
    except UnsupportedError:
        return None
    return found[0] if len(found) == 1 else Apply("list", tuple(found))
