"""Functions given by cases, compared by their values between and at the edges of their conditions, else case by case."""

import itertools
from collections.abc import Callable
from typing import Any

from sparq_sympy.equality import points, regions
from sparq_sympy.equality.points import UndefinedError
from sparq_sympy.tree.nodes import Apply, Node, Words, variables

Same = Callable[[Node, Node], bool | None]
OTHERWISE = Words("otherwise")
_BEYOND = (1, 2.7, 7.1, 31)
"""Distances from the outermost edges at which values are compared."""
_INSIDE = (0.21, 0.5, 0.83)
"""Places between two edges."""
_GRID = [k / 4 + 0.013 for k in range(-24, 25)]


def is_pieces(node: Node) -> bool:
    """Whether it is a function given by cases."""
    return isinstance(node, Apply) and node.op == "cases"


def same(left: Node, right: Node, compare: Same) -> bool | None:
    """Whether two functions are the same, one of which is given by cases; None where that cannot be seen."""
    names = variables(left) | variables(right)
    if len(names) == 1:
        try:
            return _same_values(left, right, names.pop())
        except regions.NotARegionError:
            pass
    if not (is_pieces(left) and is_pieces(right)):
        return None
    return _case_by_case(left, right, compare)


def _same_values(left: Node, right: Node, name: str) -> bool:
    mp = points.context()
    mp.dps = points.DIGITS
    edges = sorted(
        {edge for node in (left, right) for condition in _conditions(node) for edge in regions.edges(mp, condition)}
    )
    return all(_agree(_value(mp, left, name, x), _value(mp, right, name, x)) for x in _places(mp, edges))


def _places(mp: Any, edges: list[Any]) -> list[Any]:
    tests = regions.tests(mp, edges)
    first, *_, last = (tests[0] + 1, tests[-1] - 1) if len(tests) > 1 else (tests[0], tests[0])
    between = [a + (b - a) * mp.mpf(share) for a, b in itertools.pairwise(tests) for share in _INSIDE]
    return [*tests, *between, *(first - d for d in _BEYOND), *(last + d for d in _BEYOND), *map(mp.mpf, _GRID)]


def _conditions(node: Node) -> list[Node]:
    if not isinstance(node, Apply) or node.op != "cases":
        return []
    return [case.args[1] for case in node.args if isinstance(case, Apply) and case.args[1] != OTHERWISE]


def _value(mp: Any, node: Node, name: str, x: Any) -> Any | None:
    """The value of the first case that holds; None where there is none."""
    if isinstance(node, Apply) and node.op == "cases":
        held = (
            case.args[0]
            for case in node.args
            if isinstance(case, Apply) and (case.args[1] == OTHERWISE or regions.holds(mp, case.args[1], x))
        )
        body = next(held, None)
        return None if body is None else _value(mp, body, name, x)
    try:
        return points.Evaluation({name: x}).checked(node)
    except UndefinedError:
        return None


def _agree(a: Any | None, b: Any | None) -> bool:
    if a is None or b is None:
        return a is b
    return bool(abs(a - b) <= abs(a) * points.context().mpf(10) ** -30 + points.context().mpf(10) ** -40)


def _case_by_case(left: Node, right: Node, compare: Same) -> bool:
    """Whether each case of one is a case of the other, whatever their order."""
    ours, theirs = (
        [case.args for case in node.args if isinstance(case, Apply)] if isinstance(node, Apply) else []
        for node in (left, right)
    )
    if len(ours) != len(theirs):
        return False
    rest = list(theirs)
    for body, condition in ours:
        found = next((c for c in rest if compare(condition, c[1]) is True and compare(body, c[0]) is True), None)
        if found is None:
            return False
        rest.remove(found)
    return True
