"""Mathematics said in words, as signs: `x is at least 5`, `all real numbers except 2`, `3 to 5`, `1 to 3, inclusive`."""

import re
from collections.abc import Callable

from sparq_sympy.reading import numerals

_COMPARED = [
    (re.compile(rf"(?:^|\b(?:is|are|be)\s+){words}\s+(?=[\d\\$.A-Za-z-])", re.IGNORECASE), sign)
    for words, sign in (
        ("(?:at least|no less than|not less than|greater than or equal to)", r" \ge "),
        ("(?:at most|no more than|not more than|less than or equal to|up to)", r" \le "),
        ("(?:strictly )?(?:less|fewer|smaller) than", " < "),
        ("(?:strictly )?(?:more|greater|larger) than", " > "),
    )
]
_EXCEPT = re.compile(
    r"^(?:x is )?(?:(?:all|any|every)(?: real)? (?:numbers?|reals|x|values)|\\mathbb\{R\})(?: x)?\s*,?\s*"
    r"(?:except|but|other than|excluding|not equal to|without)(?: for)?\s*(?:\{?[a-z]\s*=)?\s*(.+)$",
    re.IGNORECASE,
)
_EVERY = r"(?:all|any|every)(?: real)?(?: numbers?| values?| reals)?(?: of)?(?: [a-z])?,?"
_EVERY_THAT = re.compile(
    rf"^{_EVERY} (?:such that|for which|with|where|satisfying) (?=[^=<>]*(?:[=<>]|\\[lg]e|\\ne))", re.IGNORECASE
)
_EVERY_BEYOND = re.compile(
    rf"^{_EVERY} (?:(?:that|which) (?:is|are) )?"
    r"(?=(?:strictly )?(?:at |no |not )?(?:less|fewer|smaller|more|greater|larger|least|most)\b)",
    re.IGNORECASE,
)
_BOUND = r"(-?[^\s,()\[\]]{1,40})"
_RANGE = re.compile(
    rf"(?:from |between )?{_BOUND} (?:to|and|through) {_BOUND}\s*,?\s*\(?(inclusive|exclusive)\)?", re.IGNORECASE
)
_RESPECTIVELY = re.compile(r"([^,;]{1,80}(?:, [^,;]{1,80}){0,5}?),? and ([^,;]{1,80}?),? respectively")
_RATIO = re.compile(r"(?:(?:a ratio|odds) of )?(\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)(?: to (\d+(?:\.\d+)?))?")


_RATIO_IN_WORDS = re.compile(r"([a-z-]{3,20}) to ([a-z-]{3,20})", re.IGNORECASE)
_ROOT = re.compile(
    r"(?:(?!the )(\S{1,20}) (?:times )?)?(?:the )?(square|cube|fourth|fifth) root of (\d+|[a-z])", re.IGNORECASE
)
_DEGREES = {"square": 2, "cube": 3, "fourth": 4, "fifth": 5}
_CHANGE = re.compile(r"(?:an? )?(increase|decrease|discount) of (\S{1,20}%)", re.IGNORECASE)
_OUT_OF = re.compile(r"(\d+) (?:out of|in) (?:every )?(\d+)")
_ALL = re.compile(r"^all (?=[a-z]\s?(?:[<>=]|\\[lg]e|\\ne))")
_TWICE = re.compile(
    r"(?P<digits>-?\d+) ?\((?P<words>[A-Za-z -]+)\)|(?P<words_first>[A-Za-z -]+) ?\((?P<digits_last>-?\d+)\)"
)


def in_signs(text: str) -> str:
    """A text with signs in place of the words that mean them."""
    for found, signs in _WHOLE:
        if (match := found.fullmatch(text)) and (said := signs(match)):
            return said
    text = _EVERY_BEYOND.sub("", _EVERY_THAT.sub("", _ALL.sub("", text)))
    for words, sign in _COMPARED:
        text = words.sub(sign.replace("\\", r"\\"), text)
    return text


def _excepted(found: re.Match[str]) -> str:
    return rf"\mathbb{{R}}\setminus\{{{found[1].replace(' and ', ',').strip('{}')}\}}"


def _ranged(found: re.Match[str]) -> str:
    left, right = "[]" if found[3].lower() == "inclusive" else "()"
    return f"{left}{found[1]},{found[2]}{right}"


def _in_order(found: re.Match[str]) -> str:
    return f"({found[1]}, {found[2]})"


def _as_root(found: re.Match[str]) -> str:
    return rf"{found[1] or ''}\sqrt[{_DEGREES[found[2].lower()]}]{{{found[3]}}}"


def _as_fraction(found: re.Match[str]) -> str:
    return f"{found[1]}/{found[2]}"


def _changed(found: re.Match[str]) -> str:
    return f"{found[2]} {found[1].lower()}"


def _once(found: re.Match[str]) -> str:
    """The digits of `5 (five)`; nothing where the words say another number."""
    digits, words = found["digits"] or found["digits_last"], found["words"] or found["words_first"]
    return digits if numerals.in_words(words.strip()) == int(digits) else ""


def _as_ratio_of_words(found: re.Match[str]) -> str:
    numbers = [numerals.in_words(words) for words in found.groups()]
    return "" if None in numbers else ":".join(map(str, numbers))


def _as_ratio(found: re.Match[str]) -> str:
    return ":".join(part for part in found.groups() if part)


_WHOLE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_EXCEPT, _excepted),
    (_RANGE, _ranged),
    (_RESPECTIVELY, _in_order),
    (_RATIO, _as_ratio),
    (_RATIO_IN_WORDS, _as_ratio_of_words),
    (_ROOT, _as_root),
    (_OUT_OF, _as_fraction),
    (_CHANGE, _changed),
    (_TWICE, _once),
)
"""How a whole text is found, and what is put in its place."""
