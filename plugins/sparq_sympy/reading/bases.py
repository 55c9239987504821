r"""Numbers in a base, however it is told: `1011_2`, `1011_{\text{two}}`, `(1011)_2`, `1011 (base 2)`, `2\text{A}_{16}`."""

import re

from sparq_sympy.reading import numerals
from sparq_sympy.tree.nodes import Apply, Node, Words

LARGEST = 36
_DIGITS = r"(?P<digits>(?:[0-9A-Za-z]{1,99}+|\\text\{\s*[0-9A-Za-z]{1,99}+\s*\}){1,8})"
_BASE = r"(?P<base>\d\d?|[A-Za-z-]{3,12})"
_BELOW = re.compile(
    rf"\(?\s*{_DIGITS}\s*\)?\s*_\s*"
    rf"(?:(?P<digit>\d)|\{{\s*(?:\\text\{{)?\s*\(?\s*(?:base[\s}}-]*)?(?:\\text\{{)?\s*{_BASE}\s*\)?\s*\}}{{1,3}})"
)
_BESIDE = re.compile(
    rf"\(?\s*{_DIGITS}\s*\)?\s*,?\s*(?:\\text\{{)?\s*\(?\s*(?:in\s+)?base(?:\s|-|\\text\{{|\}})*{_BASE}\s*\)?\s*\}}?\s*\)?"
)
_INSIDE = re.compile(r"\(\s*([0-9]+)\s*\)\s*_|_\s*\{\s*\\text\{\s*([a-z-]+)\s*\}\s*\}|_\s*\{\s*([a-z-]{3,})\s*\}")


def usual(text: str) -> str:
    """Text in which bases are told in digits below the number."""
    if "base" in text and (beside := _BESIDE.fullmatch(text.strip())) and (base := _in_digits(beside["base"])):
        return f"{_digits(beside)}_{{{base}}}"
    return _INSIDE.sub(_below, text) if "_" in text else text


def based(text: str) -> Node | None:
    """A number in a base that has letters for digits; None of any other text."""
    found = _BELOW.fullmatch(text)
    base = _in_digits(found["digit"] or found["base"]) if found else None
    if not found or not base or not _is_number(digits := _digits(found), base):
        return None
    return Apply("base", (Words(digits.lower()),), str(base))


def _is_number(digits: str, base: int) -> bool:
    """Whether these are digits of the base: `A5`, `BEE`; a letter alone is a variable."""
    if digits.isalpha() and not (digits.isupper() and len(digits) > 1):
        return False
    try:
        int(digits, base)
    except ValueError:
        return False
    return True


def _digits(found: re.Match[str]) -> str:
    return re.sub(r"\\text|[{}\s]", "", found["digits"])


def _in_digits(base: str) -> int | None:
    value = int(base) if base.isdigit() else numerals.in_words(base)
    return int(value) if value is not None and value.denominator == 1 and 2 <= value <= LARGEST else None


def _below(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1]}_"
    base = _in_digits(found[2] or found[3])
    return f"_{{{base}}}" if base else found[0]
