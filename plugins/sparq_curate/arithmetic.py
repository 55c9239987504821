"""Equations between plain numbers in a solution: does `3 * 4 = 12` hold?"""

import re
from fractions import Fraction

_SIGNS = {r"\times": "*", r"\cdot": "*", r"\div": "/", "×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"}
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_NUMBER = r"\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?"
_EQUATION = re.compile(
    rf"(?<![\w.,)^*/+-])({_NUMBER}(?: ?[-+*/] ?{_NUMBER}){{1,20}}) ?= ?\$?(-?{_NUMBER})(?![\w%^(]|[.,]\d| ?[-+*/])"
)
_TERM = re.compile(rf"([-+*/]?) ?({_NUMBER})")


def wrong_step(text: str) -> str | None:
    """The first equation between plain numbers that does not hold, to the digits it is written with; None without any."""
    plain = _SIGN.sub(lambda found: _SIGNS[found[0]], text.replace("\\$", "").replace("$", ""))
    for found in _EQUATION.finditer(" ".join(plain.split())):
        left, right = _value(found[1]), _number(found[2])
        decimals = len(found[2].partition(".")[2])
        if left is None or abs(left - right) > Fraction(1, 2 * 10**decimals) * bool(left.denominator > 1):
            return found[0]
    return None


def _value(text: str) -> Fraction | None:
    """The value of a chain of operations, products before sums; None where it divides by zero."""
    terms: list[Fraction] = []
    for sign, number in _TERM.findall(text):
        value = _number(number)
        if sign in {"", "+", "-"}:
            terms.append(-value if sign == "-" else value)
        elif sign == "*":
            terms[-1] *= value
        elif value:
            terms[-1] /= value
        else:
            return None
    return sum(terms, Fraction(0))


def _number(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))
