"""Units of one dimension, and what each is of the others: 5 cm are 50 mm, 2 hours 120 minutes, 180° π rad."""

import re
from fractions import Fraction

from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol

Scale = tuple[tuple[tuple[str, int], ...], Fraction, int]
"""Dimensions with their powers, the factor to their base units, and the power of π in it."""

_BASES: dict[str, dict[str, str]] = {
    "length": {
        "nm": "1/1000000000",
        "mm": "1/1000",
        "cm": "1/100",
        "dm": "1/10",
        "m": "1",
        "km": "1000",
        "in": "254/10000",
        "ft": "3048/10000",
        "yd": "9144/10000",
        "mi": "1609344/1000",
    },
    "time": {"ms": "1/1000", "s": "1", "min": "60", "h": "3600", "d": "86400", "wk": "604800"},
    "months": {"mo": "1", "yr": "12"},
    "mass": {
        "mg": "1/1000000",
        "g": "1/1000",
        "kg": "1",
        "t": "1000",
        "ton": "1000",
        "tonne": "1000",
        "lb": "45359237/100000000",
        "oz": "45359237/1600000000",
    },
    "money": {"$": "1", "¢": "1/100"},
    "euro": {"€": "1"},
    "energy": {"j": "1", "kj": "1000"},
    "force": {"n": "1", "kn": "1000"},
    "power": {"w": "1", "kw": "1000"},
    "angle": {"deg": "1/180"},
}
_SCALES: dict[str, Scale] = {
    **{
        name: (((dimension, 1),), Fraction(factor), 0)
        for dimension, units in _BASES.items()
        for name, factor in units.items()
    },
    "rad": ((("angle", 1),), Fraction(1), -1),
    "l": ((("length", 3),), Fraction(1, 1000), 0),
    "ml": ((("length", 3),), Fraction(1, 1000000), 0),
    "cl": ((("length", 3),), Fraction(1, 100000), 0),
    "dl": ((("length", 3),), Fraction(1, 10000), 0),
    **{
        name: ((("length", 3),), Fraction(231 * 254**3, 10**12 * parts), 0)
        for name, parts in {"gal": 1, "qt": 4, "pint": 8}.items()
    },
}
_PART = re.compile(r"(\S+?)(?:\^(-?\d))?")


def scale(unit: str) -> Scale | None:
    """The dimensions and the factor of a unit by its canonical name, such as `cm^2` or `km/h`; None of others."""
    powers: dict[str, int] = {}
    factor, turns = Fraction(1), 0
    for at, side in enumerate(unit.split("/")):
        sign = -1 if at else 1
        for part in side.split():
            found = _PART.fullmatch(part)
            known = _SCALES.get(found[1]) if found else None
            if found is None or known is None:
                return None
            power = sign * int(found[2] or 1)
            dimensions, one, pis = known
            factor *= one**power
            turns += pis * power
            for name, exponent in dimensions:
                powers[name] = powers.get(name, 0) + exponent * power
    return tuple(sorted((name, power) for name, power in powers.items() if power)), factor, turns


def conversion(ours: str, theirs: str) -> Node | None:
    """What a value in one unit is multiplied with to be in the other; None where they do not measure the same."""
    left, right = scale(ours), scale(theirs)
    if left is None or right is None or left[0] != right[0] or not left[0]:
        return None
    factor, turns = left[1] / right[1], left[2] - right[2]
    return Apply("*", (Number(factor), Apply("^", (Symbol("pi"), Number(Fraction(turns))))))
