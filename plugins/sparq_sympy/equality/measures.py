"""Values with units inside a list, clock times and dates."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import Apply, Node, Number, Words, variables
from sparq_sympy.tree.scales import conversion

Same = Callable[[Node, Node], bool | None]
_HALF_A_DAY = 720
_DETAIL_WORDS = (
    "of in for on from to that who which each left remaining total altogether overall apart away old "
    "chance probability increase decrease discount long wide tall deep high"
)
_MONEY = frozenset("$€£¥₹")
_DETAILS = frozenset(_DETAIL_WORDS.split())
"""What begins a detail about a unit that one side may leave out."""
_PERCENT = Number(Fraction(1, 100))


def same_measures(left: Node, right: Node, compare: Same) -> bool | None:
    """Whether two values are equal once both are in one unit; one may have none."""
    (a, unit), (b, other) = _measure(left), _measure(right)
    if not unit or not other or same_unit(unit, other):
        hundredths = [(Apply("*", (a, _PERCENT)), b)] * (unit == "%") + [(a, Apply("*", (b, _PERCENT)))] * (
            other == "%"
        )
        return compare(a, b) or (unit != other and any(compare(*pair) for pair in hundredths))
    factor = conversion(unit, other)
    return False if factor is None else compare(Apply("*", (a, factor)), b)


def last_of_chain(node: Node, compare: Same) -> tuple[Node, str] | None:
    """What an equation comes to whose last side has a unit, and that unit: of `P = 0.56 = 56%`, `P = 56`, in percent."""
    if not isinstance(node, Apply) or node.op != "relation" or set(node.data.split()) != {"="} or len(node.args) < 2:
        return None
    *sides, last = node.args
    name = sides.pop(0) if variables(sides[0]) and len(sides) > 1 else None
    if not any(isinstance(side, Apply) and side.op == "measure" for side in node.args):
        return None
    if variables(last) or any(variables(side) or same_measures(side, last, compare) is not True for side in sides):
        return None
    value, unit = _measure(last)
    return (value if name is None else Apply("relation", (name, value), "=")), unit


def of_name(node: Node) -> tuple[Node, str] | None:
    """`Length: 5 cm` as an equation between the name and the number, and the unit; None of anything else."""
    if not isinstance(node, Apply) or node.op != "relation" or node.data != "=" or not isinstance(node.args[0], Words):
        return None
    value, unit = _measure(node.args[1])
    return (Apply("relation", (node.args[0], value), "="), unit) if unit else None


def _measure(node: Node) -> tuple[Node, str]:
    return (node.args[0], node.data) if isinstance(node, Apply) and node.op == "measure" else (node, "")


def same_unit(ours: str, theirs: str) -> bool:
    """Whether two units are one; `pencil in total` and `mile apart` say no more than `pencil` and `mile`, `$/h` than `$`."""
    short, long = sorted((ours, theirs), key=len)
    rest = long.removeprefix(short + " ")
    if short in _MONEY and long.startswith(f"{short}/"):
        return True
    return ours == theirs or (bool(short) and rest != long and rest.split()[0] in _DETAILS)


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
