r"""Chains of equations in which values have units of their own: `0.56 = 56\%`, `1.5 h = 90 min`."""

import re
from collections.abc import Callable

from sparq_sympy.reading import units
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import Apply, Node, variables

_UNEQUAL = re.compile(r"[<>!:&;]|,(?!\d{3})|\b(?:and|or)\b|\\(?:le|ge|ne|in|equiv|begin)")


def chained(text: str, parse: Callable[[str], Node]) -> Node | None:
    """An equation with two values or more, some with units; None of any other text."""
    if "=" not in text or _UNEQUAL.search(text):
        return None
    parts = [units.split(member.strip()) for member in text.replace(r"\approx", "=").split("=")]
    if not any(unit for _, unit in parts):
        return None
    try:
        members = [(parse(value), unit) for value, unit in parts]
    except UnsupportedError:
        return None
    if sum(not variables(node) for node, _ in members) < 2:
        return None
    sides = tuple(Apply("measure", (node,), unit) if unit else node for node, unit in members)
    return Apply("relation", sides, " ".join("=" * (len(sides) - 1)))
