"""Congruences, compared by the whole numbers that fulfil them."""

import math
from fractions import Fraction

from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import ANYTHING, Apply, Node, Number, Symbol, TooLargeError, substituted, variables

LARGEST_MODULUS = 2_000
"""Up to which whole numbers are tried one by one."""
Classes = tuple[int, frozenset[int]]
"""A modulus, and the residues that belong."""


def is_congruence(node: Node) -> bool:
    """Whether it says what something is modulo a number; also several of these."""
    if isinstance(node, Apply) and node.op == "list":
        return bool(node.args) and all(is_congruence(arg) for arg in node.args)
    return isinstance(node, Apply) and node.op == "congruence"


def same(left: Node, right: Node) -> bool | None:
    """
    Whether the same whole numbers fulfil both; None where that is not seen.

    A number alone is met by the residue as it is written: 42 (mod 5) is 42, and not 2. `5k + 3` is met by 3 (mod 5).
    """
    for one, other in ((left, right), (right, left)):
        value = exact(other)
        if value is not None:
            return isinstance(one, Apply) and one.op == "congruence" and exact(one.args[1]) == value
    if len(_subjects(left) | _subjects(right)) > 1:
        return False
    ours, theirs = _classes(left), _classes(right)
    if ours is None or theirs is None:
        return left == right or (None if is_congruence(left) and is_congruence(right) else False)
    return _least(ours) == _least(theirs)


def _least(classes: Classes) -> Classes:
    """The classes modulo as little as they can be told by: 1 and 3 modulo 4 are 1 modulo 2."""
    size, residues = classes
    if size > LARGEST_MODULUS:
        return classes
    for period in (d for d in range(1, size + 1) if size % d == 0):
        rests = frozenset(r % period for r in residues)
        if len(rests) * (size // period) == len(residues):
            return period, rests
    return classes


def _subjects(node: Node) -> set[str]:
    """What is spoken of: the variables of left sides."""
    if not isinstance(node, Apply):
        return set()
    if node.op == "list":
        return set().union(*map(_subjects, node.args))
    return variables(node.args[0]) - {ANYTHING} if node.op in {"congruence", "relation"} else set()


def _classes(node: Node) -> Classes | None:
    if not isinstance(node, Apply):
        return None
    if node.op == "congruence":
        return _solved(*node.args)
    if node.op == "list":
        return _joined([_classes(arg) for arg in node.args], node.data)
    value = node.args[1] if node.op == "relation" and node.data == "=" and len(node.args) == 2 else node
    return _progression(value)


def _solved(subject: Node, residue: Node, modulus: Node) -> Classes | None:
    """The residues of a variable for which the two sides leave the same rest."""
    size, rest = exact(modulus), exact(residue)
    names = variables(subject)
    if size is None or rest is None or size.denominator != 1 or rest.denominator != 1 or not size or len(names) != 1:
        return None
    period = abs(size.numerator)
    if isinstance(subject, Symbol):
        return period, frozenset({rest.numerator % period})
    if period > LARGEST_MODULUS:
        raise TooLargeError
    (name,) = names
    found = [exact(substituted(subject, {name: Number(Fraction(x))})) for x in range(period)]
    if any(value is None or value.denominator != 1 for value in found):
        return None
    return period, frozenset(x for x, value in enumerate(found) if value is not None and (value - rest) % period == 0)


def _joined(parts: list[Classes | None], how: str) -> Classes | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None
    modulus = math.lcm(*(size for size, _ in known))
    if modulus > LARGEST_MODULUS:
        raise TooLargeError
    sets = [{x for x in range(modulus) if x % size in residues} for size, residues in known]
    return modulus, frozenset(
        set.intersection(*sets) if how == "and" and len({s for s, _ in known}) > 1 else set.union(*sets)
    )


def _progression(node: Node) -> Classes | None:
    """The classes of `5k + 3`."""
    names = variables(node)
    if len(names) != 1:
        return None
    (name,) = names
    at = [exact(substituted(node, {name: Number(Fraction(x))})) for x in range(4)]
    first, second, third, fourth = at
    if first is None or second is None or third is None or fourth is None:
        return None
    step = second - first
    if third - second != step or fourth - third != step or not step or step.denominator != 1 or first.denominator != 1:
        return None
    period = abs(step.numerator)
    return period, frozenset({first.numerator % period})
