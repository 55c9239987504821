r"""Two numbers that are one answer: `17 R 3`, a quotient with its remainder, and `1 cm : 5 km`, the scale of a map."""

import re
from collections.abc import Callable
from fractions import Fraction

from sparq_sympy.reading import units
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import Apply, Node, Number, Words
from sparq_sympy.tree.scales import conversion, scale

Parse = Callable[[str], Node]
_TEXT = re.compile(r"\\text\{([^{}]*)\}")
_WITH_REMAINDER = re.compile(
    r"(-?\d{1,15})\s*,?\s*(?:[Rr]\.?|(?:(?:with|and) )?(?:an? |the )?remainder(?: of| is|:)?)\s*(\d{1,15})"
)
_SCALE = re.compile(r"([^:]+?)\s*(?::|\bto\b)\s*([^:]+)")
_LENGTH = (("length", 1),)


def divided(text: str, _: Parse) -> Node | None:
    """A quotient with its remainder, each by its name; None of any other text."""
    found = _WITH_REMAINDER.fullmatch(_without_text(text))
    if not found:
        return None
    named = zip(("quotient", "remainder"), found.groups(), strict=True)
    return Apply("list", tuple(Apply("relation", (Words(name), Number(Fraction(n))), "=") for name, n in named))


def scaled(text: str, parse: Parse) -> Node | None:
    """Two lengths in units of their own as a ratio of numbers; None of any other text."""
    found = _SCALE.fullmatch(_without_text(text))
    if not found:
        return None
    (ours, unit), (theirs, other) = map(units.split, found.groups())
    measured = [scale(unit), scale(other)]
    factor = conversion(unit, other)
    if factor is None or unit == other or any(one is None or one[0] != _LENGTH for one in measured):
        return None
    try:
        return Apply("ratio", (Apply("*", (parse(ours), factor)), parse(theirs)))
    except UnsupportedError:
        return None


def _without_text(text: str) -> str:
    return " ".join(_TEXT.sub(r" \1 ", text).split())
