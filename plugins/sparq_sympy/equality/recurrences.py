"""Recurrences by one index, whichever: `a_{n+1} = 2a_n + 1` is `a_k = 2a_{k-1} + 1`."""

import re
from fractions import Fraction

from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, substituted, variables

_TERM = re.compile(r"(\w+)_([a-z])([+-]\d{1,3})?")
_INDEX = "n"


def settled(node: Node) -> Node:
    """A recurrence between terms up to the one at n; any other node as it is."""
    names = variables(node)
    terms = {name: found for name in names if (found := _TERM.fullmatch(name))}
    indices = {found[2] for found in terms.values()}
    places = {_place(found) for found in terms.values()}
    if len(indices) != 1 or len(places) < 2:
        return node
    (index,) = indices
    last = max(places)
    if index != _INDEX and _INDEX in names:
        return node
    shifted: dict[str, Node] = {name: Symbol(_named(found[1], _place(found) - last)) for name, found in terms.items()}
    shifted[index] = Apply("+", (Symbol(_INDEX), Number(Fraction(-last))))
    return substituted(node, shifted)


def _place(term: re.Match[str]) -> int:
    return int(term[3] or 0)


def _named(name: str, place: int) -> str:
    return f"{name}_{_INDEX}{place:+d}" if place else f"{name}_{_INDEX}"
