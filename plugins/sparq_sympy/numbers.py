"""Answers that are plain numbers, compared exactly and in process."""

import re
from fractions import Fraction

MOST_DIGITS = 400
_DECIMAL = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_FRACTION = re.compile(r"([-+]?)\s*\\[dt]?frac\s*\{?(\d+)\}?\s*\{?(\d+)\}?|([-+]?\d+)\s*/\s*(\d+)")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|\\!)(?=\d{3}(?!\d))")
_DRESSING = re.compile(r"\\\$|\$|€|£|\\left|\\right|\\!|\\,|\\;|~|\\(?:text|mathrm|mbox)\s*\{[^{}]*\}|\s+")


def normal(answer: str) -> str:
    """An answer without what does not change its meaning: spacing, dollar signs, a trailing period."""
    return _DRESSING.sub("", _THOUSANDS.sub("", answer.strip())).rstrip(".").replace("−", "-").replace("dfrac", "frac")


def number(answer: str) -> Fraction | None:
    """An integer, decimal or simple fraction as an exact number; None for anything else."""
    if len(answer) > MOST_DIGITS:
        return None
    if _DECIMAL.fullmatch(answer):
        return Fraction(answer.rstrip("."))
    if found := _FRACTION.fullmatch(answer):
        sign, top, bottom, plain_top, plain_bottom = found.groups()
        denominator = int(bottom or plain_bottom)
        if denominator:
            return Fraction(int(top or plain_top), denominator) * (-1 if sign == "-" else 1)
    return None
