"""Whether two answers, as read, are equal: by shape, exact number, then values at points."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from sparq_sympy import matrices, points, regions, relations
from sparq_sympy.exact import TooLargeError, exact
from sparq_sympy.syntax import Apply, Node, Number, Symbol, Words, has, variables, walk

MOST_PAIRS = 4_000
"""Of elements, in a comparison of unordered lists."""


class Conventions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as the same answer, where people disagree."""

    percent: Literal["either", "strict"] = "either"
    rounding: float = 0.0
    units: Literal["optional", "required", "ignored"] = "optional"
    list_order: Literal["free", "strict"] = "free"
    equation: Literal["value", "strict"] = "value"


class Comparison:
    """One comparison; `reason` says what decided it: `structure`, `text`, `number` or `points`."""

    def __init__(self, conventions: Conventions) -> None:
        self.conventions = conventions
        self.reason = "structure"

    def same(self, left: Node, right: Node) -> bool | None:
        """Whether two trees are equal; None where that cannot be decided here. Raises TooLargeError."""
        left, right = _settled(left), _settled(right)
        if self.conventions.equation == "value" and (_data(left) == "in") != (_data(right) == "in"):
            left, right = _in(left), _in(right)
        if (shape := self._as_regions(left, right)) is not None:
            return shape
        if isinstance(left, Words) or isinstance(right, Words):
            return self._words(left, right)
        left, right = _with_names(left, right), _with_names(right, left)
        ours, theirs = _expanded(left), _expanded(right)
        if len(ours) == 1 and len(theirs) == 1 and not {_op(left), _op(right)} & {"set"}:
            return self._one(ours[0], theirs[0])
        return self._lists(left, right, ours, theirs)

    # Lists and sets

    def _lists(self, left: Node, right: Node, ours: list[Node], theirs: list[Node]) -> bool | None:
        if "dots" in {_data(left), _data(right)}:
            return self._ordered(ours, theirs)
        if self.conventions.equation == "value" and _named(ours) != _named(theirs):
            ours, theirs = _values(ours, theirs), _values(theirs, ours)
        sets = {_op(left), _op(right)} & {"set"}
        if len(ours) == 1 and _op(ours[0]) == "brackets" and len(theirs) > 1 and not sets:
            return self._ordered(list(ours[0].args), theirs) if isinstance(ours[0], Apply) else None
        if len(theirs) == 1 and _op(theirs[0]) == "brackets" and len(ours) > 1 and not sets:
            return self._ordered(ours, list(theirs[0].args)) if isinstance(theirs[0], Apply) else None
        if self.conventions.list_order == "strict" and not sets:
            return self._ordered(ours, theirs)
        solutions = all(_op(node) == "brackets" for node in (*ours, *theirs))
        return self._unordered(ours, theirs, distinct=bool(sets) or solutions)

    def _ordered(self, ours: Sequence[Node], theirs: Sequence[Node]) -> bool | None:
        if len(ours) != len(theirs):
            self.reason = "structure"
            return False
        return _all([self.same(a, b) for a, b in zip(ours, theirs, strict=True)])

    def _unordered(self, ours: list[Node], theirs: list[Node], *, distinct: bool) -> bool | None:
        if len(ours) != len(theirs) and not distinct:
            self.reason = "structure"
            return False
        if len(ours) * len(theirs) > MOST_PAIRS:
            raise TooLargeError
        if distinct:
            return _all([*(self._within(a, theirs) for a in ours), *(self._within(b, ours) for b in theirs)])
        rest = list(theirs)
        unsure = False
        for node in ours:
            said = [self.same(node, other) for other in rest]
            if True in said:
                del rest[said.index(True)]
            elif None in said:
                unsure = True
            else:
                return False
        return None if unsure else True

    def _within(self, node: Node, others: Sequence[Node]) -> bool | None:
        said = [self.same(node, other) for other in others]
        return True if True in said else None if None in said else False

    # One against one

    def _one(self, left: Node, right: Node) -> bool | None:
        if "relation" in {_op(left), _op(right)}:
            return self._relations(left, right)
        kinds = frozenset({_kind(left), _kind(right)})
        if kinds == {"sets"}:
            return True if left == right else None
        compare = self._comparisons().get(kinds)
        if compare is None:
            return None if kinds in _MAYBE_SETS else False
        return compare(left, right)

    def _comparisons(self) -> dict[frozenset[str], Callable[[Node, Node], bool | None]]:
        """How two kinds of node are compared; others are different."""
        return {
            frozenset({"scalar"}): self._scalars,
            frozenset({"brackets"}): self._brackets,
            frozenset({"matrix"}): self._elements,
            frozenset({"row"}): self._elements,
            frozenset({"ratio"}): self._ratios,
            frozenset({"brackets", "matrix"}): self._vector,
            frozenset({"ratio", "scalar"}): self._ratio_as_number,
        }

    def _elements(self, left: Node, right: Node) -> bool | None:
        return self._ordered(_args(left), _args(right))

    def _words(self, left: Node, right: Node) -> bool:
        self.reason = "text"
        a, b = (
            n.text if isinstance(n, Words) else n.name.lower() if isinstance(n, Symbol) else None for n in (left, right)
        )
        if a is not None and b is not None:
            return a == b
        return False

    def _brackets(self, left: Node, right: Node) -> bool | None:
        ours, theirs = _args(left), _args(right)
        if len(ours) == 2 == len(theirs) and _data(left) != _data(right):
            return False
        return self._ordered(ours, theirs)

    def _vector(self, left: Node, right: Node) -> bool | None:
        matrix, brackets = (left, right) if _op(left) == "matrix" else (right, left)
        rows = [_args(row) for row in _args(matrix)]
        if len(rows) == 1:
            return self._ordered(rows[0], _args(brackets))
        return self._ordered([row[0] for row in rows], _args(brackets)) if all(len(row) == 1 for row in rows) else False

    def _ratios(self, left: Node, right: Node) -> bool | None:
        ours, theirs = _args(left), _args(right)
        if len(ours) != len(theirs):
            return False
        if _ZERO in (*ours, *theirs) or Symbol("…") in (*ours, *theirs):
            return self._ordered(ours, theirs)
        return _all(
            [
                self._scalars(Apply("/", (a, b)), Apply("/", (c, d)))
                for (a, b), (c, d) in zip(pairwise(ours), pairwise(theirs), strict=True)
            ]
        )

    def _ratio_as_number(self, left: Node, right: Node) -> bool | None:
        ratio, other = (left, right) if _op(left) == "ratio" else (right, left)
        parts = _args(ratio)
        return self._scalars(Apply("/", (parts[0], parts[1])), other) if len(parts) == 2 else False

    def _scalars(self, left: Node, right: Node) -> bool | None:
        if has(left, "base") != has(right, "base"):
            return False
        if left == right:
            self.reason = "number" if isinstance(left, Number) else "structure"
            return True
        infinite = Symbol("infinity"), Apply("neg", (Symbol("infinity"),))
        if left in infinite or right in infinite:
            return False
        ours, theirs = exact(left), exact(right)
        if ours is not None and theirs is not None:
            self.reason = "number"
            tolerance = self.conventions.rounding
            return ours == theirs or bool(tolerance and abs(ours - theirs) <= tolerance * max(abs(ours), abs(theirs)))
        self.reason = "points"
        said = points.agree(left, right)
        if said is False and all(has_imaginary(n) for n in (left, right)):
            said = points.agree(_imaginary(left), _imaginary(right))
        if said is False and self.conventions.rounding:
            return self._rounded(left, right)
        return said

    def _rounded(self, left: Node, right: Node) -> bool:
        ours, theirs = points.number(left), points.number(right)
        if ours is None or theirs is None:
            return False
        return bool(abs(ours - theirs) <= self.conventions.rounding * max(abs(ours), abs(theirs)))

    # Relations and regions

    def _relations(self, left: Node, right: Node) -> bool | None:
        if isinstance(left, Apply) and isinstance(right, Apply) and left.op == right.op == "relation":
            return self._both_relations(left, right)
        relation, other = (left, right) if _op(left) == "relation" else (right, left)
        if not isinstance(relation, Apply) or self.conventions.equation == "strict":
            return False
        if relation.data == "in":
            return self.same(relation.args[1], other)
        named = relations.named_value(relation)
        return self.same(named[1], other) if named else False

    def _both_relations(self, left: Apply, right: Apply) -> bool | None:
        self.reason = "points"
        if left == right:
            return True
        if left.data == right.data == "in":
            return self.same(left.args[1], right.args[1])
        ours, theirs = relations.named_value(left), relations.named_value(right)
        if ours and theirs:
            if self._same_name(ours[0], theirs[0]):
                return self.same(ours[1], theirs[1])
            if isinstance(ours[0], Words) or isinstance(theirs[0], Words):
                return False
            if (_op(ours[0]) == "unknown-function") != (_op(theirs[0]) == "unknown-function"):
                return self.same(ours[1], theirs[1])
        return relations.same(left, right)

    def _same_name(self, ours: Node, theirs: Node) -> bool:
        if ours == theirs:
            return True
        return (
            not isinstance(ours, Words | Symbol)
            and not isinstance(theirs, Words | Symbol)
            and self.same(ours, theirs) is True
        )

    def _as_regions(self, left: Node, right: Node) -> bool | None:
        """The verdict on two sets of reals, where that is what they are and shapes alone do not tell."""
        left, right = _in(left), _in(right)
        if not (regions.is_region(left) or regions.is_region(right)):
            return None
        compound = {"union", "intersection", "minus", "relation", "list"}
        sets = all(regions.is_region(n) or _op(n) == "set" for n in (left, right))
        if not sets or not {_op(left), _op(right)} & compound:
            return None
        if _op(left) == "relation" == _op(right):
            if variables(left) != variables(right):
                return None
            said = relations.same(left, right) if isinstance(left, Apply) and isinstance(right, Apply) else None
            if said is True:
                self.reason = "points"
                return True
        said = regions.same(relations.subject(left), relations.subject(right))
        if said is not None:
            self.reason = "points"
        return said


_ZERO = Number(Fraction(0))
_MAYBE_SETS = (frozenset({"sets", "brackets"}), frozenset({"sets", "set"}))


def _op(node: Node) -> str:
    return node.op if isinstance(node, Apply) else ""


def _data(node: Node) -> str:
    return node.data if isinstance(node, Apply) else ""


def _args(node: Node) -> list[Node]:
    return list(node.args) if isinstance(node, Apply) else []


def _kind(node: Node) -> str:
    op = _op(node)
    if op in {"union", "intersection", "minus"} or (
        isinstance(node, Symbol) and node.name in {"reals", "integers", "naturals", "rationals"}
    ):
        return "sets"
    return op if op in {"brackets", "matrix", "row", "ratio", "set", "list"} else "scalar"


def _in(node: Node) -> Node:
    """The set of `x in set`."""
    return node.args[1] if isinstance(node, Apply) and node.op == "relation" and node.data == "in" else node


def _with_names(node: Node, other: Node) -> Node:
    """`(x, y) = (1, 2)` as `x = 1, y = 2`, where that is how the other side puts it."""
    if not isinstance(node, Apply) or node.op != "relation" or node.data != "=" or not _named(_args(other)):
        return node
    names, values = node.args
    if _op(names) != "brackets" or _op(values) != "brackets" or len(_args(names)) != len(_args(values)):
        return node
    pairs = zip(_args(names), _args(values), strict=True)
    return Apply("list", tuple(Apply("relation", pair, "=") for pair in pairs))


def _settled(node: Node) -> Node:
    """A node without a degree sign at its top, and with finite sets united."""
    if isinstance(node, Apply):
        if node.op == "deg":
            return node.args[0]
        if node.op in {"+", "*", "neg"}:
            return matrices.reduced(node)
        if node.op in {"union", "intersection", "minus"}:
            ours, theirs = (_settled(arg) for arg in node.args)
            if _op(ours) == _op(theirs) == "set":
                return _finite(node.op, _args(ours), _args(theirs))
    return node


def _finite(op: str, ours: list[Node], theirs: list[Node]) -> Node:
    if op == "union":
        return Apply("set", (*ours, *theirs))
    comparison = Comparison(Conventions())
    kept = [a for a in ours if any(comparison.same(a, b) is True for b in theirs) == (op == "intersection")]
    return Apply("set", tuple(kept))


def has_imaginary(node: Node) -> bool:
    """Whether an imaginary unit may be in it: an `i`, or an `I`."""
    return any(isinstance(n, Symbol) and n.name in {"i", "I"} for n in walk(node))


def _imaginary(node: Node) -> Node:
    """A node with `I` read as the imaginary unit, as plain notation has it."""
    if isinstance(node, Apply):
        return Apply(node.op, tuple(map(_imaginary, node.args)), node.data)
    return Symbol("i") if node == Symbol("I") else node


def _expanded(node: Node) -> list[Node]:
    """The items of a list or set, with two for each that has a ±."""
    items = _args(node) if _op(node) in {"list", "set"} else [node]
    found: list[Node] = []
    for item in items:
        found += [_signed(item, 1), _signed(item, -1)] if has(item, "pm", "mp") else [item]
    return found


def _signed(node: Node, sign: int) -> Node:
    if not isinstance(node, Apply):
        return node
    args = tuple(_signed(arg, sign) for arg in node.args)
    if node.op in {"pm", "mp"}:
        return args[0] if (node.op == "pm") == (sign > 0) else Apply("neg", args)
    return Apply(node.op, args, node.data)


def _named(items: Sequence[Node]) -> bool:
    """Whether the items are values with names, all of them or the first for all."""
    return bool(items) and relations.named_value(items[0]) is not None


def _values(items: list[Node], others: list[Node]) -> list[Node]:
    """The values of `x = 1, y = 2`; as tuples where the other side has tuples of as many."""
    named = [relations.named_value(item) for item in items]
    if named[0] is None:
        return items
    values = [pair[1] if pair else item for pair, item in zip(named, items, strict=True)]
    names = [pair[0] if pair else None for pair in named]
    width = len(_args(others[0])) if others and all(_op(other) == "brackets" for other in others) else 0
    period = len(set(map(repr, names)))
    if width > 1 and period == width and len(values) % width == 0 and names == names[:width] * (len(values) // width):
        return [Apply("brackets", tuple(values[k : k + width]), "()") for k in range(0, len(values), width)]
    return values


def _all(said: Sequence[bool | None]) -> bool | None:
    return False if False in said else None if None in said else True
