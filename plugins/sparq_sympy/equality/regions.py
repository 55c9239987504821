"""Sets of real numbers: intervals, unions, finite sets and inequalities in one variable, compared by their members."""

import itertools
from collections.abc import Sequence
from typing import Any

from sparq_sympy.equality import points, relations
from sparq_sympy.equality.points import UndefinedError
from sparq_sympy.equality.shapes import expanded
from sparq_sympy.tree.nodes import SETS, Apply, Node, Symbol, TooLargeError, has, variables

_JOINING = frozenset({"and", "or"})
ORDER = frozenset({"<", ">", "<=", ">=", "!="})
MOST_EDGES = 60
_VISIBLE = 25
"""Digits after the point to which edges are told apart."""


class NotARegionError(Exception):
    """The node is no set of reals that is understood here."""


def is_region(node: Node) -> bool:
    """Whether it is written as a set of reals: an interval, a union, an inequality, ℝ."""
    if isinstance(node, Apply):
        if node.op in {"union", "intersection", "minus"}:
            return True
        if node.op == "relation":
            return set(node.data.split()) <= ORDER or (node.data == "in" and is_region(node.args[1]))
        if node.op == "list":
            return node.data in _JOINING and all(map(is_region, node.args)) and not all(map(_is_pair, node.args))
        return node.op == "brackets" and len(node.args) == 2
    return node == Symbol("reals")


def _is_pair(node: Node) -> bool:
    """Whether it may as well be two coordinates."""
    return isinstance(node, Apply) and node.op == "brackets" and node.data == "()"


def as_difference(node: Node) -> Node:
    """`ℝ − {0}` as a difference of sets."""
    if isinstance(node, Apply) and node.op == "+" and len(node.args) == 2:
        whole, part = node.args
        if isinstance(part, Apply) and part.op == "neg" and _is_set(part.args[0]) and _is_set(whole):
            return Apply("minus", (whole, part.args[0]))
    return node


def _is_set(node: Node) -> bool:
    return node == Symbol("reals") or (isinstance(node, Apply) and node.op == "set")


def in_a_row(left: Node, right: Node) -> tuple[Node, Node]:
    """
    Both sides, with a list of inequalities of which nobody said how they are joined as one region.

    All of them hold, as in `x > −1, x ≤ 2`, unless nothing fulfils them all, as in `x < −1, x > 2`.
    """
    return _joined(left), _joined(right)


def _joined(node: Node) -> Node:
    if isinstance(node, Apply) and node.op == "list" and has(node, "pm"):
        node = Apply("list", tuple(each for arg in node.args for each in _each_sign(arg)), node.data)
    if not isinstance(node, Apply) or node.op != "list" or node.data or not all(map(_restricts, node.args)):
        return node
    if len(set().union(*map(variables, node.args)) - SETS) != 1:
        return node
    both = Apply("list", node.args, "and")
    return Apply("list", node.args, "or") if same(both, Apply("set", ())) is True else both


def _each_sign(node: Node) -> list[Node]:
    """`x ≠ ±1` as `x ≠ 1` and `x ≠ −1`."""
    return expanded(node) if isinstance(node, Apply) and node.op == "relation" and node.data == "!=" else [node]


def _restricts(node: Node) -> bool:
    return isinstance(node, Apply) and node.op == "relation" and (node.data == "in" or set(node.data.split()) <= ORDER)


def same(left: Node, right: Node) -> bool | None:
    """Whether two sets of reals have the same members; None where one is not understood."""
    mp = points.context()
    mp.dps = points.DIGITS
    try:
        every = sorted({*edges(mp, left), *edges(mp, right)})
        if len(every) > MOST_EDGES:
            return None
        equal = all(holds(mp, left, x) == holds(mp, right, x) for x in tests(mp, every))
    except (NotARegionError, UndefinedError, TooLargeError):
        return None
    if equal and points.extent(left, right)[1] > _VISIBLE:
        raise TooLargeError
    return equal


def tests(mp: Any, every: Sequence[Any]) -> list[Any]:
    """The finite edges, a point between any two neighbours, and one beyond each end."""
    finite: list[Any] = []
    for edge in every:
        if mp.isfinite(edge) and not (finite and near(mp, edge, finite[-1])):
            finite.append(edge)
    if not finite:
        return [mp.mpf(0)]
    between = [(a + b) / 2 for a, b in itertools.pairwise(finite)]
    return [finite[0] - 1, *finite, *between, finite[-1] + 1]


def near(mp: Any, a: Any, b: Any) -> bool:
    """Whether two numbers are one, for all that is computed here."""
    return bool(abs(a - b) <= mp.mpf(10) ** -30 * (1 + abs(a)))


def _bound(mp: Any, node: Node) -> Any:
    if isinstance(node, Symbol) and node.name == "infinity":
        return mp.inf
    if isinstance(node, Apply) and node.op == "neg" and node.args[0] == Symbol("infinity"):
        return -mp.inf
    found = points.number(node)
    if found is None:
        raise NotARegionError
    return found


def edges(mp: Any, node: Node) -> list[Any]:
    """Where membership may change; NotARegionError where that is not understood."""
    if node == Symbol("reals"):
        return []
    if not isinstance(node, Apply):
        raise NotARegionError
    if node.op in {"union", "intersection", "minus", "list"}:
        return [edge for arg in node.args for edge in edges(mp, arg)]
    if node.op in {"brackets", "set"}:
        return [_bound(mp, arg) for arg in node.args]
    if node.op == "relation" and node.data == "in":
        return edges(mp, node.args[1])
    if node.op == "relation":
        name = _variable(node)
        return [root for left, right in itertools.pairwise(node.args) for root in _roots(mp, left, right, name)]
    raise NotARegionError


def _variable(node: Apply) -> str:
    if node.op != "relation" or not set(node.data.split()) <= ORDER:
        raise NotARegionError
    names = variables(node)
    if len(names) != 1:
        raise NotARegionError
    return names.pop()


def _difference(mp: Any, left: Node, right: Node, name: str, x: Any) -> Any:
    evaluation = points.Evaluation({name: x})
    found = evaluation.checked(relations.difference(left, right))
    if mp.im(found) != 0:
        raise UndefinedError
    return mp.re(found)


def _roots(mp: Any, left: Node, right: Node, name: str) -> list[Any]:
    """Where the sides are equal: by formula up to degree two, else by changes of sign."""

    def f(x: Any) -> Any:
        return _difference(mp, left, right, name, mp.mpf(x))

    try:
        at = [f(x) for x in range(4)]
    except UndefinedError:
        at = []
    if at:
        c = at[0]
        a = (at[2] - 2 * at[1] + at[0]) / 2
        b = at[1] - a - c
        fits = all(near(mp, f(x), a * x * x + b * x + c) for x in (3, 7, -5) if _defined(f, x))
        if fits and all(_defined(f, x) for x in (3, 7, -5)):
            return _quadratic(mp, a, b, c)
    return _by_sign(mp, f)


def _defined(f: Any, x: float) -> bool:
    try:
        f(x)
    except UndefinedError:
        return False
    return True


def _quadratic(mp: Any, a: Any, b: Any, c: Any) -> list[Any]:
    if near(mp, a, 0):
        return [] if near(mp, b, 0) else [-c / b]
    inside = b * b - 4 * a * c
    if near(mp, inside, 0):
        return [-b / (2 * a)]
    return [(-b - mp.sqrt(inside)) / (2 * a), (-b + mp.sqrt(inside)) / (2 * a)] if inside > 0 else []


def _by_sign(mp: Any, f: Any) -> list[Any]:
    """Roots and poles between -60 and 60, found by changes of sign and of being defined."""

    def sign(x: Any) -> int | None:
        try:
            return int(mp.sign(f(x)))
        except UndefinedError:
            return None

    found = []
    xs = [mp.mpf(k) / 4 for k in range(-240, 241)]
    signs = [sign(x) for x in xs]
    for (x, s), (y, t) in zip(zip(xs, signs, strict=True), zip(xs[1:], signs[1:], strict=True), strict=False):
        if s == 0:
            found.append(x)
        elif t not in (s, 0):
            low, high = x, y
            for _ in range(110):
                middle = (low + high) / 2
                low, high = (middle, high) if sign(middle) == s else (low, middle)
            found.append(mp.mpf(mp.nstr(high, 35)))
    return found


def holds(mp: Any, node: Node, x: Any) -> bool:
    """Whether a number is a member."""
    if node == Symbol("reals"):
        return True
    if not isinstance(node, Apply):
        raise NotARegionError
    if node.op == "relation" and node.data == "in":
        return holds(mp, node.args[1], x)
    if node.op == "relation":
        return _relation_holds(mp, node, x)
    if node.op == "set":
        return any(near(mp, x, _bound(mp, arg)) for arg in node.args)
    return _within(mp, node, x) if node.op == "brackets" else _combined(node, [holds(mp, arg, x) for arg in node.args])


def _within(mp: Any, interval: Apply, x: Any) -> bool:
    low, high = (_bound(mp, arg) for arg in interval.args)
    if low > high:
        raise NotARegionError
    if _near_finite(mp, x, low):
        return interval.data[0] == "["
    if _near_finite(mp, x, high):
        return interval.data[1] == "]"
    return bool(low < x < high)


def _combined(node: Apply, held: Sequence[bool]) -> bool:
    if node.op == "minus":
        return held[0] and not held[1]
    return all(held) if node.op == "intersection" or node.data == "and" else any(held)


def _near_finite(mp: Any, x: Any, bound: Any) -> bool:
    return bool(mp.isfinite(bound)) and near(mp, x, bound)


def _relation_holds(mp: Any, node: Apply, x: Any) -> bool:
    name = _variable(node)
    for sign, (left, right) in zip(node.data.split(), itertools.pairwise(node.args), strict=True):
        try:
            gap = _difference(mp, left, right, name, x)
        except UndefinedError:
            return False
        equal = near(mp, gap, 0)
        holds = {
            "<": gap < 0 and not equal,
            ">": gap > 0 and not equal,
            "<=": gap < 0 or equal,
            ">=": gap > 0 or equal,
            "!=": not equal,
        }[sign]
        if not holds:
            return False
    return True
