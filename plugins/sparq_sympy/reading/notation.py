r"""Usual notations that have a LaTeX command of their own, brought to it: `C(5,2)`, `]0,1[`, `(mod 5)`, `21st`, `45^o`."""

import re
from collections.abc import Callable

from sparq_sympy.reading import bases

_CHOSEN = re.compile(
    r"(?<![A-Za-z\\])(?:\{\s*\}\s*)?[_^]\s*\{?\s*(\w{1,4})\s*\}?\s*(?:\\text\{)?C\}?\s*_\s*\{?\s*(\w{1,4})\s*\}?"
    r"|(?<![A-Za-z\\_^\d])C\s*\(\s*([\w+-]{1,6})\s*,\s*([\w+-]{1,6})\s*\)"
    r"|(?<![A-Za-z\\_^\d])C_\s*(?=\{|\w\s*\^)\{?\s*(\w{1,4})\s*\}?\s*\^\s*\{?\s*(\w{1,4})\s*\}?"
    r"|(?<![A-Za-z\\_^\d])C\s*\^\s*\{?\s*(\w{1,4})\s*\}?\s*_\s*\{?\s*(\w{1,4})\s*\}?"
    r"|(?<![\w\\.])(\d{1,4})\s?C\s?(\d{1,4})(?!\w)"
)
_CALLED = re.compile(r"(?<![A-Za-z\\])nCr\s*\(\s*(\w{1,6})\s*,\s*(\w{1,6})\s*\)")
_CHOSEN_ORDER = ((1, 2), (3, 4), (5, 6), (8, 7), (9, 10))
_ARRANGED = re.compile(
    r"(?<![A-Za-z\\])(?:\{\s*\}\s*)?[_^]\s*\{?\s*(\w{1,4})\s*\}?\s*P\s*_\s*\{?\s*(\w{1,4})\s*\}?"
    r"|(?<![\w\\.])(\d{1,4})\s?P\s?(\d{1,4})(?!\w)"
)
_CHOOSE = re.compile(r"(?<![\w\\])(\w{1,4}) choose (\w{1,4})(?!\w)")
_MODULO = re.compile(
    r"\(?\s*(?:\\text\{\s*)?\(?\s*(?<![A-Za-z\\])(?:\\b?mod|mod(?:ulo)?)(?![A-Za-z])\s*\}?\s*(\{[^{}]*\}|\w{1,20})\s*\}?\s*\)?\s*\}?\s*$"
)
_ENDING = r"\s*\^?\s*\{?\s*(?:\\text\{)?\s*(?:st|nd|rd|th)\b(?:\s*\}){0,2}"
_ORDINAL = re.compile(rf"(?<=\d){_ENDING}(?=\s|$|[A-Za-z])")
_ORDINAL_OF = re.compile(rf"(?<!\d)(\d{{1,9}}){_ENDING}\s*(?:\\text\{{\s*)?(power|root)\b(?:\s*\}})?")
"""Of these a number is no more than a part."""
_LOGARITHM = re.compile(r"(?<![A-Za-z\\])\\?log(2|10)(?=\s*\()")
_INFINITY = re.compile(r"(?<![A-Za-z\\])[Ii]nf(?![A-Za-z])\s*")
_PLUS_OR_MINUS = re.compile(r"(?:^|(?<=[=,(]))\s*\+\s*/?\s*-\s*(?=[\d\\(A-Za-z])")
_LETTER_DEGREE = re.compile(
    r"(?<=[\d}])\s*\^\s*(?:\{\s*(?:o|\\text\{\s*o\s*\}|\\text\{\s*deg\s*\})\s*\}|o(?![A-Za-z])|\\text\{\s*o\s*\})"
)
_HATS = re.compile(
    r"\\(?:hat|text|mathbf|vec|boldsymbol|bm|overrightarrow)\s*\{?\s*(?:\\(i|j)math|\\text\{\s*([ijk])\s*\}|([ijk]))(?![A-Za-z])\s*\}?"
)
_ROWS = re.compile(r"\[([^\[\];,]+,[^\[\];]*(?:;[^\[\];]*)+)\]")
_UNIT_VECTOR = re.compile(r"\\(?:hat|text|mathbf|vec|boldsymbol|bm|overrightarrow)\s*(?:\{\s*)?(?:\\|[ijk])")
_BEFORE = re.compile(r"(?:[=,;({\[]|\\(?:in|cup|cap|setminus)|U)\s*$")


def usual(text: str) -> str:
    """Text in the notation that the grammar knows."""
    text = bases.usual(text)
    for sign, found, instead in _SPELLINGS:
        if sign in text:
            text = found.sub(instead, text)
    if r"\pmod" not in text and "mod" in text:
        text = _MODULO.sub(_modulo, text)
    if _UNIT_VECTOR.search(text):
        text = _HATS.sub(lambda m: f" {m[1] or m[2] or m[3]} ", text)
    return turned(text)


def _chosen(found: re.Match[str]) -> str:
    top, bottom = next((found[a], found[b]) for a, b in _CHOSEN_ORDER if found[a])
    return rf"\binom{{{top}}}{{{bottom}}}"


def _arranged(found: re.Match[str]) -> str:
    top, bottom = found[1] or found[3], found[2] or found[4]
    return rf"\frac{{{top}!}}{{({top}-{bottom})!}}"


def _modulo(found: re.Match[str]) -> str:
    """`(mod 5)` at the end; `17 mod 5`, without a bracket, is an operation."""
    modulus = found[1].strip("{}")
    bracketed = found[0].count("(") > 0
    if bracketed or re.search(r"\\equiv|≡|\\cong", found.string):
        return rf" \pmod{{{modulus}}}"
    return rf" \bmod {{{modulus}}}"


def _rows(found: re.Match[str]) -> str:
    """`[1, 2; 3, 4]`, a matrix, if its rows are equally long."""
    rows = found[1].split(";")
    if len({row.count(",") for row in rows}) > 1:
        return found[0]
    return r"\begin{pmatrix}" + r"\\".join(row.replace(",", "&") for row in rows) + r"\end{pmatrix}"


Replacement = str | Callable[[re.Match[str]], str]
_SPELLINGS: tuple[tuple[str, re.Pattern[str], Replacement], ...] = (
    ("nCr", _CALLED, r"\\binom{\1}{\2}"),
    ("C", _CHOSEN, _chosen),
    ("P", _ARRANGED, _arranged),
    ("choose", _CHOOSE, r"\\binom{\1}{\2}"),
    ("o", _ORDINAL_OF, r"\\text{\1 \2}"),
    ("t", _ORDINAL, ""),
    ("d", _ORDINAL, ""),
    (";", _ROWS, _rows),
    ("^", _LETTER_DEGREE, r"^\\circ "),
    ("log", _LOGARITHM, r"\\log_{\1}"),
    ("nf", _INFINITY, r"\\infty "),
    ("-", _PLUS_OR_MINUS, r"\\pm "),
)
"""What a spelling has in it, how it is found, and what is put in its place."""


def turned(text: str) -> str:
    """Intervals with open ends as `]0, 1[` with round brackets."""
    if not {"[", "]"} & set(text) or not {",", ";"} & set(text):
        return text
    found = list(text)
    at = 0
    while at < len(text):
        end = _end_of_turned(text, at) if _may_begin(text, at) else None
        if end is None:
            at += 1
            continue
        if text[at] == "]":
            found[at] = "("
        if text[end] == "[":
            found[end] = ")"
        at = end + 1
    return "".join(found)


def _may_begin(text: str, at: int) -> bool:
    """Whether a bracket may begin an interval: `]` only where nothing was opened before it."""
    if text[at] == "]":
        return not text[:at].rstrip() or bool(_BEFORE.search(text, max(0, at - 8), at))
    return text[at] == "[" and not text[:at].endswith("sqrt")


def _end_of_turned(text: str, start: int) -> int | None:
    """Where an interval that begins here ends; None where its inside is no pair of bounds."""
    depth = 0
    for at in range(start + 1, len(text)):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text[at], 0)
        if depth < 0:
            return None
        if text[at] in "[]":
            return at if not depth and re.search("[,;]", text[start:at]) else None
    return None
