r"""A value and the approximation written after it: `\frac13 \approx 0.333`."""

import re

from sparq_sympy.reading import units
from sparq_sympy.reading.formula import parse
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, TooLargeError, walk

_SIGN = r"\approx"
_ARITHMETIC = frozenset({"+", "*", "/", "inverse", "neg", "^", "root", "!", "binomial"})
_CONSTANTS = frozenset({"pi", "e"})
_DECIMAL = re.compile(r"\s*-?(?:\d+?(0*)|\d*\.(\d+))\s*")


def approximated(text: str) -> tuple[Node, Node, int] | None:
    """A constant, its approximation and the power of ten of the last digit of that; None where no text has one of each."""
    before, sign, after = text.rpartition(_SIGN)
    if not sign or _SIGN in before:
        return None
    (value, unit), (near, other) = units.split(before.rpartition("=")[2]), units.split(after)
    digits = _DECIMAL.fullmatch(near)
    if unit != other or not digits:
        return None
    try:
        exact, rounded = parse(value), parse(near)
    except (UnsupportedError, TooLargeError):
        return None
    return (exact, rounded, -len(digits[2]) if digits[2] else len(digits[1])) if _is_arithmetic(exact) else None


def _is_arithmetic(node: Node) -> bool:
    """Whether its value is the same for everybody, as that of `log 2` or `sin 30` is not."""
    return all(
        isinstance(n, Number)
        or (isinstance(n, Symbol) and n.name in _CONSTANTS)
        or (isinstance(n, Apply) and n.op in _ARITHMETIC)
        for n in walk(node)
    )
