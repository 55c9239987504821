"""Equations and inequalities, compared by what they say."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

from sparq_sympy.equality import points
from sparq_sympy.equality.points import UndefinedError
from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import (
    CONSTANTS,
    Apply,
    Node,
    Number,
    Symbol,
    TooLargeError,
    Words,
    has,
    shown,
    variables,
    walk,
)

FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
_FUNCTIONS = frozenset({"arg", "re", "im", "abs", "conjugate", "unknown-function"})
_NAMING = _FUNCTIONS | {"ratio", "*", "brackets", "/", "inverse", "^", "union", "intersection"}
OF_ANGLES = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_ANGLES = frozenset({"alpha", "beta", "gamma", "theta", "phi"})
_COORDINATES = frozenset({"x", "y", "z"})
_VISIBLE = 15
"""Digits after the point that a root is computed to for certain."""
_STARTS = (Fraction(1, 3), Fraction(-7, 5), Fraction(5, 2), Fraction(-4), Fraction(9))


def is_name(node: Node) -> bool:
    """Whether it names something rather than says what it is: `x`, `f(x)`, `|AB|`, `(p, q)`, `A:B`, `m + n`, `cos 2A`."""
    if isinstance(node, Apply):
        if node.op == "unknown-function":
            return True
        if node.op in OF_ANGLES:
            return _is_angle(node.args[0])
        if node.op == "+":
            return all(isinstance(arg, Symbol) for arg in node.args) and not variables(node) & _COORDINATES
        return node.op in _NAMING and bool(node.args) and all(is_name(arg) for arg in node.args)
    return isinstance(node, Words) or (isinstance(node, Symbol) and node.name not in CONSTANTS)


def _is_angle(node: Node) -> bool:
    """Whether it is an angle by its name, a multiple of one, or a sum."""
    if isinstance(node, Symbol):
        return node.name.isupper() or node.name in _ANGLES
    if not isinstance(node, Apply) or node.op not in {"+", "*"}:
        return False
    names = [arg for arg in node.args if not (node.op == "*" and isinstance(arg, Number))]
    return (node.op == "+" or len(names) == 1) and all(map(_is_angle, names))


def named_value(node: Node) -> tuple[Node, Node] | None:
    """Name and value of `x = 5`, `5 = x`, `a = b = 5` or `x = 2 + 3 = 5`; None of anything else."""
    if not isinstance(node, Apply) or node.op != "relation" or set(node.data.split()) != {"="}:
        return None
    *names, value = node.args
    if all(is_name(name) for name in names):
        return names[0], value
    if len(names) > 1 and is_name(names[0]) and all(_leads_to(side, value) for side in names[1:]):
        return names[0], value
    if len(names) == 1 and is_name(value) and not variables(names[0]):
        return value, names[0]
    return None


def several_named(node: Apply) -> int:
    """How many variables `x = y = 2` gives one value; none where there is but one."""
    *names, value = node.args
    several = len(names) > 1 and node.data == " ".join("=" * len(names)) and not variables(value)
    return len(names) if several and all(isinstance(name, Symbol) for name in names) else 0


def _leads_to(side: Node, value: Node) -> bool:
    """Whether a side on the way may have this value: with variables, or with it."""
    return bool(variables(side)) or points.agree(side, value) is True


def settled(node: Node) -> Node:
    """The last side of a chain of equations that always hold, such as `6 · 7 = 42`; any other node as it is."""
    if not isinstance(node, Apply) or node.op != "relation" or set(node.data.split()) != {"="}:
        return node
    if has(node, "unknown-function", "brackets", "matrix", "set", "list", "ratio"):
        return node
    if any(isinstance(n, Words) for n in walk(node)):
        return node
    *sides, value = node.args
    if any(variables(side) != variables(value) or isinstance(side, Symbol) for side in node.args):
        return node
    return value if all(points.agree(side, value) is True for side in sides) else node


def with_values_named(node: Node) -> Node:
    """What is said of values such as `f(2)` as said of symbols of their own: nothing but their names is known."""
    if not isinstance(node, Apply):
        return node
    args = tuple(map(with_values_named, node.args))
    if node.op != "unknown-function" or variables(node):
        return Apply(node.op, args, node.data)
    known = [exact(arg) for arg in args]
    places = (arg if value is None else Number(value) for arg, value in zip(args, known, strict=True))
    return Symbol(shown(Apply(node.op, tuple(places), node.data)))


def oriented(node: Apply) -> list[tuple[Node, str]]:
    """Each comparison as (lesser − greater, sign), with only `<`, `<=`, `=`, `!=` as signs."""
    found: list[tuple[Node, str]] = []
    for (left, right), sign in zip(pairwise(node.args), node.data.split(), strict=True):
        if sign in {">", ">="}:
            found.append((difference(right, left), FLIPPED[sign]))
        else:
            found.append((difference(left, right), sign))
    return found


def difference(left: Node, right: Node) -> Node:
    """The expression left − right."""
    return Apply("+", (left, Apply("neg", (right,))))


def same(left: Apply, right: Apply) -> bool | None:
    """Whether two single comparisons, or chains of as many, say the same; None where that cannot be seen."""
    ours, theirs = oriented(left), oriented(right)
    if not all(sign in FLIPPED for _, sign in (*ours, *theirs)):
        return None
    if len(ours) != len(theirs):
        return None
    rest = list(theirs)
    for one in ours:
        match = next((other for other in rest if other[1] == one[1] and _same_sides(one, other)), None)
        if match is None:
            return _by_members(ours[0], theirs[0]) if len(ours) == 1 else None
        rest.remove(match)
    return True


def _same_sides(one: tuple[Node, str], other: tuple[Node, str]) -> bool:
    """Whether one side's difference is a constant times the other's; positive, where there is an order."""
    if variables(one[0]) != variables(other[0]):
        return False
    factor = ratio(one[0], other[0])
    return factor is not None and factor != 0 and (one[1] in {"=", "!="} or factor > 0)


def ratio(left: Node, right: Node) -> Any | None:
    """The constant that one expression is of the other; None where it is none."""
    mp = points.context()
    noise = points.closely_computed(left, right)
    factor: Any | None = None
    seen = 0
    for a, b in points.values_of(left, right):
        if bool(a) != bool(b):
            return None
        if not a:
            continue
        quotient = a / b
        if mp.im(quotient) != 0:
            return None
        if factor is not None and abs(quotient - factor) > noise * abs(factor):
            return None
        factor = mp.re(quotient)
        seen += 1
        if seen == points.NEEDED:
            return factor
    return factor if seen and not variables(left) and not has(left, "unknown-function") else None


def _by_members(one: tuple[Node, str], other: tuple[Node, str]) -> bool | None:
    """Two comparisons by the points at which they hold."""
    if one[1] == other[1] == "=":
        return _same_zeros(one[0], other[0])
    if {one[1], other[1]} <= {"<", "<="}:
        return _same_signs(one[0], other[0])
    return False


def _same_signs(left: Node, right: Node) -> bool | None:
    """False where one is below zero and the other not; None otherwise."""
    mp = points.context()
    mp.dps = points.DIGITS
    for a, b in points.values_of(left, right):
        if mp.im(a) == 0 == mp.im(b) and (mp.re(a) < 0) != (mp.re(b) < 0):
            return False
    return None


def _same_zeros(left: Node, right: Node) -> bool | None:
    """
    Whether two expressions vanish at the same places.

    The other variables get values, one is solved for from several starts, and each root is tried in the other expression.
    False where one is not a root of the other; True where several were found and all were; None otherwise.
    """
    names = sorted(variables(left) | variables(right))
    if variables(left) != variables(right) or not names:
        return False if names else None
    if points.extent(left, right)[1] > _VISIBLE:
        raise TooLargeError
    found = 0
    for solve_for in names:
        for point in list(points.at(names))[:3]:
            rest = {name: x for name, x in point.items() if name != solve_for}
            for f, g in ((left, right), (right, left)):
                for root in _roots(f, solve_for, rest):
                    vanishes = _vanishes(g, {**rest, solve_for: root})
                    if vanishes is False:
                        return False
                    found += vanishes is True
    return True if found >= 6 else None


def _roots(node: Node, name: str, rest: dict[str, Fraction]) -> list[Any]:
    mp = points.context()
    mp.dps = points.DIGITS
    found: list[Any] = []

    def f(x: Any) -> Any:
        return points.Evaluation({**rest, name: x}).checked(node)

    for start in _STARTS:
        near = mp.mpf(start.numerator) / start.denominator
        try:
            root = mp.findroot(
                f, (near, near + mp.mpf(1) / 7), solver="secant", tol=mp.mpf(10) ** -80, maxsteps=40, verify=False
            )
        except (UndefinedError, ValueError, ArithmeticError):
            continue
        if _vanishes(node, {**rest, name: root}) and all(abs(root - other) > mp.mpf(10) ** -15 for other in found):
            found.append(root)
    return found


def _vanishes(node: Node, point: dict[str, Any]) -> bool | None:
    """Whether an expression is zero at a root found to thirty digits, measured against its terms."""
    mp = points.context()
    mp.dps = points.DIGITS
    evaluation = points.Evaluation(point)
    try:
        value = evaluation.checked(node)
        terms = node.args if isinstance(node, Apply) and node.op == "+" else (node,)
        size = max(abs(evaluation.checked(term)) for term in terms)
    except UndefinedError:
        return None
    return bool(abs(value) <= mp.mpf(10) ** -18 * (1 + size))


def subject(node: Node) -> Node:
    """An inequality about `f(x)` as one about `x`."""
    functions = [n for n in walk(node) if isinstance(n, Apply) and n.op == "unknown-function"]
    if functions and isinstance(node, Apply):
        return Apply(node.op, tuple(Symbol("x") if arg == functions[0] else arg for arg in node.args), node.data)
    return node
