"""Sequences, sums and products with dots: what the dots stand for, where the terms around them tell."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import DOTS, Apply, Node, Number, Symbol, substituted, variables

Following = Callable[[Fraction], Fraction]
LONGEST = 300
"""Terms that are written out."""
_TERM = Symbol("term of dots")
_SERIES = {"+": "sum", "*": "prod"}


def written_out(node: Node) -> Node | None:
    """A tree without dots in sums, products and finite sequences; None where those of a sum or product tell nothing."""
    if not isinstance(node, Apply):
        return node
    args: list[Node] = []
    for arg in node.args:
        inner = written_out(arg)
        if inner is None:
            return None
        args.append(inner)
    node = Apply(node.op, tuple(args), node.data)
    if DOTS not in args:
        return node
    if node.op in _SERIES:
        return _series(node)
    return _sequence(node) if node.op in {"list", "set", "brackets"} else node


def _series(node: Apply) -> Node | None:
    at = node.args.index(DOTS)
    first, rest = node.args[:at], node.args[at + 1 :]
    if len(first) < 2 or len(rest) != 1:
        return None
    if (terms := between(first, rest[0])) is not None:
        return Apply(node.op, tuple(terms))
    last = rest[0]
    names = variables(last)
    if len(names) != 1:
        return None
    (name,) = names
    for start in range(4):
        values = [_at(last, name, start + k) for k in range(len(first))]
        if all(a is not None and a == exact(b) for a, b in zip(values, first, strict=True)):
            body = substituted(last, {name: _TERM})
            return Apply(_SERIES[node.op], (_TERM, Number(Fraction(start)), Symbol(name), body))
    return None


def _sequence(node: Apply) -> Node:
    """The items of `1, 2, …, 10`; a sequence without an end stays as it is."""
    at = node.args.index(DOTS)
    before, after = node.args[:at], node.args[at + 1 :]
    terms = between(before, after[0]) if len(before) > 1 and after else None
    if terms is None or DOTS in after:
        return node
    return Apply(node.op, (*terms, *after[1:]), node.data if node.op == "brackets" else "")


def between(first: Sequence[Node], last: Node) -> list[Node] | None:
    """All terms of an arithmetic or geometric progression, by its first ones and its last; None where it is neither."""
    known = [exact(node) for node in first]
    end = exact(last)
    values = [value for value in known if value is not None]
    if len(values) < max(len(known), 2) or end is None:
        return None
    for following in (_arithmetic(values), _geometric(values)):
        if following is None:
            continue
        terms = list(values)
        while terms[-1] != end and len(terms) < LONGEST and abs(terms[-1]) < 10**30:
            terms.append(following(terms[-1]))
        if terms[-1] == end:
            return [Number(term) for term in terms]
    return None


def longer(first: Sequence[Node], length: int) -> list[Node]:
    """The first terms of an endless progression, as many as asked for where three tell how it goes on."""
    values = [value for node in first if (value := exact(node)) is not None]
    if len(values) < max(len(first), 3) or length > LONGEST:
        return list(first)
    following = _arithmetic(values) or _geometric(values)
    while following is not None and len(values) < length:
        values.append(following(values[-1]))
    return [Number(value) for value in values]


def _arithmetic(values: Sequence[Fraction]) -> Following | None:
    step = values[1] - values[0]
    return (lambda x: x + step) if step and all(b - a == step for a, b in pairwise(values)) else None


def _geometric(values: Sequence[Fraction]) -> Following | None:
    if 0 in values:
        return None
    ratio = values[1] / values[0]
    even = all(b == a * ratio for a, b in pairwise(values))
    return (lambda x: x * ratio) if abs(ratio) != 1 and even else None


def _at(node: Node, name: str, value: int) -> Fraction | None:
    return exact(substituted(node, {name: Number(Fraction(value))}))
