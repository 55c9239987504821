"""Values that are rational numbers, computed exactly and within bounds."""

import math
from collections.abc import Callable
from fractions import Fraction

from sparq_sympy.tree.nodes import Apply, Node, Number, TooLargeError

MOST_BITS = 1 << 16
"""Of a numerator or denominator."""
LARGEST_FACTORIAL = 5_000


def exact(node: Node) -> Fraction | None:
    """The value as a fraction; None where it has a symbol or is not computed in fractions; TooLargeError out of bounds."""
    if isinstance(node, Number):
        return node.value
    if not isinstance(node, Apply) or node.op not in _OPERATIONS:
        return None
    values = []
    for arg in node.args:
        value = exact(arg)
        if value is None:
            return None
        values.append(value)
    try:
        result = _OPERATIONS[node.op](*values)
    except (ZeroDivisionError, TypeError):
        return None
    if result is not None:
        _bounded(result)
    return result


def _bounded(value: Fraction) -> None:
    if value.numerator.bit_length() > MOST_BITS or value.denominator.bit_length() > MOST_BITS:
        raise TooLargeError


def _sum(*values: Fraction) -> Fraction:
    return sum(values, Fraction(0))


def _product(*values: Fraction) -> Fraction:
    result = Fraction(1)
    for value in values:
        result *= value
        _bounded(result)
    return result


def power(base: Fraction, exponent: Fraction) -> Fraction | None:
    """A whole power."""
    if exponent.denominator != 1:
        return None
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits > 1 and abs(exponent.numerator) * bits > 2 * MOST_BITS:
        raise TooLargeError
    return base**exponent.numerator if abs(base) != 1 else base ** (exponent.numerator % 2)


def factorial(value: Fraction) -> Fraction | None:
    """Factorial of a whole number."""
    if value.denominator != 1 or value < 0:
        return None
    if value > LARGEST_FACTORIAL:
        raise TooLargeError
    return Fraction(math.factorial(value.numerator))


def _double_factorial(value: Fraction) -> Fraction | None:
    if value.denominator != 1 or value < 0:
        return None
    if value > LARGEST_FACTORIAL:
        raise TooLargeError
    return Fraction(math.prod(range(value.numerator, 0, -2)))


def _binomial(top: Fraction, bottom: Fraction) -> Fraction | None:
    if top.denominator != 1 or bottom.denominator != 1 or min(top, bottom) < 0:
        return None
    if min(bottom, top - bottom) > LARGEST_FACTORIAL:
        raise TooLargeError
    return Fraction(math.comb(top.numerator, bottom.numerator))


def _root(value: Fraction, degree: Fraction) -> Fraction | None:
    """A square root that is rational."""
    if degree != 2 or value < 0:
        return None
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    return Fraction(top, bottom) if top * top == value.numerator and bottom * bottom == value.denominator else None


def _whole(function: Callable[..., int]) -> Callable[..., Fraction | None]:
    def apply(*values: Fraction) -> Fraction | None:
        if any(v.denominator != 1 for v in values):
            return None
        return Fraction(function(*(v.numerator for v in values)))

    return apply


_OPERATIONS: dict[str, Callable[..., Fraction | None]] = {
    "+": _sum,
    "*": _product,
    "/": lambda a, b: a / b,
    "inverse": lambda a: 1 / a,
    "neg": lambda a: -a,
    "^": power,
    "!": factorial,
    "!!": _double_factorial,
    "factorial": factorial,
    "binomial": _binomial,
    "root": _root,
    "abs": abs,
    "floor": lambda a: Fraction(math.floor(a)),
    "ceil": lambda a: Fraction(math.ceil(a)),
    "mod": lambda a, b: a % b,
    "max": lambda *v: max(v),
    "min": lambda *v: min(v),
    "gcd": _whole(math.gcd),
    "lcm": _whole(math.lcm),
    "sign": lambda a: Fraction((a > 0) - (a < 0)),
}
