"""Values with units inside a list, clock times and dates."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import Apply, Node, Number, Words
from sparq_sympy.tree.scales import conversion

Same = Callable[[Node, Node], bool | None]
_HALF_A_DAY = 720
_PERCENT = Number(Fraction(1, 100))


def same_measures(left: Node, right: Node, compare: Same) -> bool | None:
    """Whether two values are equal once both are in one unit; one may have none."""
    (a, unit), (b, other) = _measure(left), _measure(right)
    if unit == other or not unit or not other:
        hundredths = [(Apply("*", (a, _PERCENT)), b)] * (unit == "%") + [(a, Apply("*", (b, _PERCENT)))] * (
            other == "%"
        )
        return compare(a, b) or (unit != other and any(compare(*pair) for pair in hundredths))
    factor = conversion(unit, other)
    return False if factor is None else compare(Apply("*", (a, factor)), b)


def _measure(node: Node) -> tuple[Node, str]:
    return (node.args[0], node.data) if isinstance(node, Apply) and node.op == "measure" else (node, "")


def same_times(left: Node, right: Node) -> bool:
    """Whether two clock times are one; where one does not say which half of the day, either will do."""
    if not isinstance(left, Apply) or not isinstance(right, Apply):
        return False
    a, b = exact(left.args[0]), exact(right.args[0])
    if a is None or b is None:
        return False
    return a == b or (not (left.data and right.data) and (a - b) % _HALF_A_DAY == 0)


def same_dates(left: Sequence[Node], right: Sequence[Node]) -> bool:
    """Whether two dates are one; a year or a day of the week may be told by one alone."""
    pairs = list(zip(left, right, strict=True))
    return all(a == b or Words("") in (a, b) for a, b in pairs)
