"""
Values at points: both sides of a comparison are computed to fifty digits where their variables have the same values.

mpmath computes, within bounds on the size of numbers and on the number of operations, so that no text can keep it busy.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, TooLargeError, Words, has, variables, walk

DIGITS, MORE_DIGITS, MOST_DIGITS = 50, 130, 2_000
"""Digits computed with: at first, where it matters, and where the size of constants asks for them."""
MOST_OPERATIONS = 4_000
"""In one evaluation; fewer, as the square of the digits, with more than `MORE_DIGITS`."""
SLOW_DIGITS = 300
"""Digits with which functions that cost seconds beyond them are computed at most."""
LARGEST_ARGUMENT = 10**7
"""Of a function whose cost grows with its argument."""
LARGEST_EXPONENT_BITS = 64
"""Of the logarithm of a power."""
MOST_TERMS = 300
"""Of a series."""
TRIES, NEEDED = 15, 4
"""Points with fractions that are tried, and at how many both sides must have a value."""

_local = threading.local()


class UndefinedError(Exception):
    """There is no value at this point, or none that is computed here."""


def context() -> Any:
    """This thread's mpmath: its precision is changed on the way, so threads do not share one."""
    if not hasattr(_local, "context"):
        from mpmath import MPContext

        _local.context = MPContext()
    return _local.context


def agree(left: Node, right: Node, *, whole: bool = False) -> bool | None:
    """
    Whether two expressions have the same value wherever both have one; None where that cannot be seen.

    Without variables: equal to a hundred digits, as complex numbers. With variables: at several fixed points, positive ones
    first, then any, or whole ones only; where no `i` is written, points at which a side is not real are left out, as school
    algebra does. Raises TooLargeError where a value is out of bounds.
    """
    names = sorted(variables(left) | variables(right))
    if not names:
        return _agree_at(left, right, {}, real=False, closely=True)
    real = not any(isinstance(n, Symbol) and n.name == "i" for side in (left, right) for n in walk(side))
    seen = 0
    points = whole_points(names) if whole else at(names, whole=has(left, *_WHOLE) or has(right, *_WHOLE))
    for point in points:
        said = _agree_at(left, right, point, real=real, closely=seen == NEEDED - 1)
        if said is False:
            return False
        seen += said is True
        if seen == NEEDED:
            return True
    return None


_WHOLE = ("sum", "prod", "mod", "gcd", "lcm", "binomial", "!", "!!")
_SPREAD = (0.731, 0.257, 0.419, 0.893, 0.577, 0.131, 0.653, 0.337, 0.811, 0.479, 0.197, 0.967)


def at(names: Sequence[str], *, whole: bool = False) -> list[dict[str, Fraction]]:
    """
    Points in a fixed order: between 0 and 1, positive, of either sign, larger, whole.

    Whole ones come first where an operation asks for them.
    """
    found = []
    for k in range(TRIES):
        scale = (1, 3, 1, 2, 5)[k % 5]
        signs = [-1 if k % 3 == 2 and (i + k) % 2 == 0 else 1 for i in range(len(names))]
        found.append(
            {
                name: signs[i]
                * scale
                * (Fraction(_SPREAD[(5 * k + 7 * i) % 12]).limit_denominator(1000) + Fraction(i // 12, 13))
                for i, name in enumerate(names)
            }
        )
    wholes = whole_points(names)
    return [*wholes[:4], *found] if whole else [*found, *wholes]


def whole_points(names: Sequence[str]) -> list[dict[str, Fraction]]:
    """Points with whole coordinates."""
    return [{name: Fraction(2 + (k * (i + 2) + i) % 7 + k) for i, name in enumerate(names)} for k in range(6)]


def values_of(left: Node, right: Node) -> Iterator[tuple[Any, Any]]:
    """The values of both, of the precision that is set, at the points where both have one."""
    for point in at(sorted(variables(left) | variables(right))):
        try:
            yield value(left, point), value(right, point)
        except UndefinedError:
            continue


def _agree_at(left: Node, right: Node, point: Mapping[str, Fraction], *, real: bool, closely: bool) -> bool | None:
    """
    Agreement at one point; None where a side has no value, or no real one where it should.

    A clear gap shows with fifty digits. What is next to zero, and the rest if asked to look closely, is computed so closely
    that nothing written in it can vanish.
    """
    mp = context()
    try:
        mp.dps = DIGITS
        a, b = value(left, point), value(right, point)
        if real and not (_is_real(mp, a) and _is_real(mp, b)):
            return None
        size, gap = _apart(a, b)
        clear = size > mp.mpf(10) ** -20
        if clear and gap > mp.mpf(10) ** -15:
            return False
        if not closely and (not size or (clear and gap < mp.mpf(10) ** (5 - DIGITS))):
            return True
        noise = closely_computed(left, right)
        a, b = value(left, point), value(right, point)
        return bool(abs(a - b) < noise * max(1, abs(a), abs(b)))
    except UndefinedError:
        return None


def _apart(a: Any, b: Any) -> tuple[Any, Any]:
    """The larger size of two values, and their gap as a share of it."""
    size = max(abs(a), abs(b))
    return size, abs(a - b) / size if size else size


def closely_computed(*nodes: Node) -> Any:
    """
    Set this thread's precision so that the smallest constant in some trees shows beside the largest; what then is noise.

    TooLargeError where that takes too many digits: `1 + e^{-e^9}` is not 1, but nobody shall see it.
    """
    mp = context()
    mp.dps = DIGITS
    largest, smallest = extent(*nodes)
    digits = max(MORE_DIGITS, 2 * (largest + smallest) + 100)
    if digits > MOST_DIGITS:
        raise TooLargeError
    mp.dps = digits
    return mp.mpf(10) ** (30 + largest - digits)


def extent(*nodes: Node) -> tuple[int, int]:
    """Decimal digits before the point of the largest constant in some trees, and after the point of the smallest."""
    sizes = [0, *(size for node in nodes for size in _sizes(node))]
    return max(sizes), -min(sizes)


def _sizes(node: Node) -> Iterator[int]:
    """Decimal digits, before the point or after it, of every constant that occurs in a tree."""
    if variables(node):
        for arg in node.args if isinstance(node, Apply) else ():
            yield from _sizes(arg)
        return
    evaluation = Evaluation({})
    with suppress(UndefinedError):
        evaluation.checked(node)
    yield from evaluation.sizes


def _is_real(mp: Any, value: Any) -> bool:
    return bool(abs(mp.im(value)) <= mp.mpf(10) ** -40 * abs(value))


def number(node: Node) -> Any:
    """A constant as an mpmath number of fifty digits; None where it has no real value."""
    mp = context()
    mp.dps = DIGITS
    try:
        found = value(node, {})
        return mp.re(found) if _is_real(mp, found) else None
    except (UndefinedError, TooLargeError):
        return None


def rounds(exact: Node, near: Node, place: int) -> bool | None:
    """Whether a constant is rounded or cut off at this power of ten, or within a percent of it; None without values."""
    a, b = number(exact), number(near)
    if a is None or b is None:
        return None
    mp = context()
    excess, step = (abs(a) - abs(b)) if mp.sign(a) == mp.sign(b) or not b else -abs(a - b), mp.mpf(10) ** place
    return bool(-step / 2 <= excess < step or abs(a - b) <= abs(a) / 100)


def value(node: Node, point: Mapping[str, Fraction]) -> Any:
    """The value at a point, an mpmath number of this thread's precision; UndefinedError or TooLargeError where it has none."""
    return Evaluation(point).checked(node)


class Evaluation:
    """One walk over a tree, with fractions or this thread's numbers for its variables."""

    def __init__(self, point: Mapping[str, Any]) -> None:
        self.mp = context()
        self._point = {name: self._number(x) if isinstance(x, Fraction) else x for name, x in point.items()}
        self._left = MOST_OPERATIONS * MORE_DIGITS**2 // max(MORE_DIGITS, self.mp.dps) ** 2
        self.sizes: set[int] = set()
        """Decimal digits that the values on the way had before the point, or after it (negative)."""

    def checked(self, node: Node) -> Any:
        """The value, finite; UndefinedError or TooLargeError where there is none."""
        try:
            found = self.value(node)
        except (ArithmeticError, ValueError, TypeError, NotImplementedError, RecursionError) as error:
            raise UndefinedError from error
        if not self.mp.isfinite(found):
            raise UndefinedError
        return found

    def value(self, node: Node) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooLargeError
        if isinstance(node, Number):
            found = self._number(node.value)
            self._note(found)
            return found
        if isinstance(node, Symbol):
            return self.symbol(node.name)
        if not isinstance(node, Apply):
            raise UndefinedError
        return self.applied(node)

    def applied(self, node: Apply) -> Any:
        mp = self.mp
        if node.op in {"sum", "prod"}:
            return self.series(node)
        if node.op == "unknown-function":
            return self.unknown(node.data, [self.value(arg) for arg in node.args])
        if node.op == "base":
            return mp.mpf(based(node))
        if node.op not in _OPERATIONS:
            raise UndefinedError
        arguments = [self.value(arg) for arg in node.args]
        if node.op in _SLOW and mp.dps > SLOW_DIGITS and not all(mp.isint(x) and abs(x) < _QUICK for x in arguments):
            raise TooLargeError
        found = _OPERATIONS[node.op](mp, *arguments)
        self._note(found)
        if node.op in _CLOSE:
            self.sizes.add(-int(_CLOSE[node.op](float(abs(_small(arguments[0]))))))
        return found

    def _note(self, found: Any) -> None:
        """Remember how large a value on the way was."""
        if found and self.mp.isfinite(found):
            self.sizes.add(int(self.mp.mag(found) * _DECIMAL))

    def _number(self, exact: Fraction) -> Any:
        return self.mp.mpf(exact.numerator) / exact.denominator

    def symbol(self, name: str) -> Any:
        mp = self.mp
        if name in self._point:
            return self._point[name]
        constants: dict[str, Any] = {"pi": mp.pi, "e": mp.e, "i": mp.mpc(0, 1)}
        if name not in constants:
            raise UndefinedError
        return +constants[name]

    def series(self, node: Apply) -> Any:
        index, start, end, body = node.args
        first, last = (self.value(bound) for bound in (start, end))
        if not isinstance(index, Symbol) or not self.mp.isint(first) or not self.mp.isint(last):
            raise UndefinedError
        if last - first > MOST_TERMS:
            raise TooLargeError
        before = self._point.get(index.name)
        terms = []
        for k in range(int(first), int(last) + 1):
            self._point[index.name] = self.mp.mpf(k)
            terms.append(self.value(body))
        self._point.pop(index.name, None)
        if before is not None:
            self._point[index.name] = before
        return self.mp.fsum(terms) if node.op == "sum" else self.mp.fprod(terms)

    def unknown(self, name: str, arguments: list[Any]) -> Any:
        """A function nobody knows: some fixed smooth one, so that equal arguments give equal values."""
        mp = self.mp
        seed = mp.mpf(sum(ord(c) * (k + 7) for k, c in enumerate(name)) % 97 + 3) / 41
        return mp.cos(seed + mp.fsum(_small(a) * (seed + k + 1) / 3 for k, a in enumerate(arguments))) + 2


def based(node: Apply) -> int:
    """A number in its base; UndefinedError where it is not one."""
    digits = node.args[0]
    try:
        return int(digits.text, int(node.data)) if isinstance(digits, Words) else 0
    except ValueError as error:
        raise UndefinedError from error


_DECIMAL = math.log10(2)
_SLOW = frozenset({"gamma", "zeta", "erf", "binomial", "!", "factorial", "!!"})
_QUICK = 1_000
"""Of whole numbers up to this such a function is quick, but for zeta."""
_CLOSE: dict[str, Callable[[float], float]] = {
    "tanh": lambda x: 0.87 * x,
    "coth": lambda x: 0.87 * x,
    "erf": lambda x: 0.44 * x * x,
    "zeta": lambda x: 0.31 * x,
}
"""How many digits after the point such a function differs from a whole number at an argument."""


def _no_value() -> Any:
    raise UndefinedError


def _small(x: Any, largest: int = LARGEST_ARGUMENT) -> Any:
    if abs(x) > largest:
        raise TooLargeError
    return x


def _snapped(mp: Any, x: Any) -> Any:
    """A number next to the real axis as a real one, so that it falls on no wrong side of a branch cut."""
    if isinstance(x, mp.mpc) and abs(x.imag) <= mp.mpf(10) ** (8 - mp.dps) * abs(x):
        return x.real
    return x


def _power(mp: Any, base: Any, exponent: Any) -> Any:
    base, exponent = _snapped(mp, base), _snapped(mp, exponent)
    if not base:
        if exponent == 0:
            return mp.mpf(1)
        return mp.mpf(0) if mp.re(exponent) > 0 else _no_value()
    size = abs(exponent) * (abs(mp.log(abs(base))) + 1)
    if size > mp.mpf(2) ** LARGEST_EXPONENT_BITS:
        raise TooLargeError
    return base**exponent


def _root(mp: Any, base: Any, degree: Any) -> Any:
    base = _snapped(mp, base)
    if mp.isint(degree) and int(degree) % 2 and mp.im(base) == 0 and mp.re(base) < 0:
        return -_power(mp, -mp.re(base), 1 / degree)
    return _power(mp, base, 1 / degree)


def _log(mp: Any, x: Any, base: Any = None) -> Any:
    x = _snapped(mp, x)
    return mp.log(x) if base is None else mp.log(x) / mp.log(_snapped(mp, base))


def _factorial(mp: Any, x: Any) -> Any:
    return mp.gamma(_small(x, 10**5) + 1)


def _integers(mp: Any, values: Sequence[Any]) -> list[int]:
    if not all(mp.isint(v) for v in values):
        raise UndefinedError
    return [int(_small(v, 10**30)) for v in values]


def _real(mp: Any, x: Any) -> Any:
    x = _snapped(mp, x)
    return mp.re(x) if mp.im(x) == 0 else _no_value()


def _gcd(mp: Any, *values: Any) -> Any:
    return mp.mpf(math.gcd(*_integers(mp, values)))


def _lcm(mp: Any, *values: Any) -> Any:
    return mp.mpf(math.lcm(*_integers(mp, values)))


def _mod(mp: Any, a: Any, b: Any) -> Any:
    a, b = _integers(mp, (a, b))
    return mp.mpf(a % b)


def _named(name: str) -> Callable[..., Any]:
    def apply(mp: Any, x: Any) -> Any:
        return getattr(mp, name)(_snapped(mp, _small(x)))

    return apply


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "+": lambda mp, *v: mp.fsum(v),
    "*": lambda mp, *v: mp.fprod(v),
    "/": lambda _, a, b: a / b,
    "inverse": lambda _, a: 1 / a,
    "neg": lambda _, a: -a,
    "^": _power,
    "root": _root,
    "cbrt": lambda mp, a: _root(mp, a, mp.mpf(3)),
    "abs": lambda _, a: abs(a),
    "conjugate": lambda mp, a: mp.conj(a),
    "deg": lambda mp, a: a * mp.pi / 180,
    "log": _log,
    "log10": lambda mp, x: _log(mp, x, mp.mpf(10)),
    "!": _factorial,
    "factorial": _factorial,
    "!!": lambda mp, x: mp.fac2(_small(x, 10**4)),
    "gamma": lambda mp, x: mp.gamma(_small(x, 10**5)),
    "binomial": lambda mp, n, k: mp.binomial(_small(n, 10**5), _small(k, 10**5)),
    "zeta": lambda mp, x: mp.zeta(_small(x, 1000 if mp.dps <= SLOW_DIGITS else 0)),
    "erf": lambda mp, x: mp.erf(_small(x, 1000)),
    "floor": lambda mp, x: mp.floor(_real(mp, x)),
    "ceil": lambda mp, x: mp.ceil(_real(mp, x)),
    "sign": lambda mp, x: mp.sign(_real(mp, x)),
    "max": lambda mp, *v: max(_real(mp, x) for x in v),
    "min": lambda mp, *v: min(_real(mp, x) for x in v),
    "mod": _mod,
    "gcd": _gcd,
    "lcm": _lcm,
    "re": lambda mp, x: mp.re(x),
    "im": lambda mp, x: mp.im(x),
    "arg": lambda mp, x: mp.arg(x),
    **{
        name: _named(name)
        for name in ["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch"]
    },
    **{
        name: _named(name)
        for name in ["asin", "acos", "atan", "acot", "asec", "acsc", "asinh", "acosh", "atanh", "acoth"]
    },
}
