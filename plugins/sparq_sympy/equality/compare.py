"""Whether two answers, as read, are equal: by shape, exact number, then values at points."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from sparq_sympy.equality import congruences, measures, pieces, points, regions, relations
from sparq_sympy.equality.forms import settled, spelled_like, unnamed_set
from sparq_sympy.equality.shapes import (
    are_named,
    args,
    data,
    expanded,
    has_imaginary,
    in_order,
    kind,
    of_any_signs,
    op,
    renamed,
    set_of,
    values,
    with_imaginary,
    with_names,
)
from sparq_sympy.tree import progressions
from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import (
    ANYTHING,
    DOTS,
    Apply,
    Node,
    Number,
    Symbol,
    TooLargeError,
    Words,
    has,
    substituted,
    variables,
)

WHOLE_NAMES = frozenset("nkmN")
"""Variables that are read as whole numbers, if nothing else makes two sides equal."""
MOST_PAIRS = 4_000
"""Of elements, in a comparison of unordered lists."""


class Conventions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as the same answer, where people disagree."""

    percent: Annotated[
        Literal["either", "strict"],
        Meta(description="Is a reference of 5% met by 5 as well as by 0.05 (`either`), or by 0.05 alone (`strict`)?"),
    ] = "either"
    rounding: Annotated[
        float, Meta(ge=0, lt=1, description="Relative error that still counts as equal; 0 wants exact equality.")
    ] = 0.0
    units: Annotated[
        Literal["optional", "required", "ignored"],
        Meta(
            description="May a unit be missing on one side (`optional`)? A different one never counts, unless `ignored`."
        ),
    ] = "optional"
    list_order: Annotated[
        Literal["free", "strict"], Meta(description="Does order matter in a list without brackets? In a tuple it does.")
    ] = "free"
    equation: Annotated[Literal["value", "strict"], Meta(description="Is a reference of 5 met by x = 5 (`value`)?")] = (
        "value"
    )


class Comparison:
    """One comparison; `reason` says what decided it: `structure`, `text`, `number` or `points`."""

    def __init__(self, conventions: Conventions) -> None:
        self.conventions = conventions
        self.reason = "structure"

    def same(self, left: Node, right: Node) -> bool | None:
        """Whether two trees are equal; None where that cannot be decided here. Raises TooLargeError."""
        left, right = settled(left, self.same), settled(right, self.same)
        left, right = spelled_like(left, right), spelled_like(right, left)
        if self.conventions.equation == "value" and (data(left) == "in") != (data(right) == "in"):
            left, right = set_of(left), set_of(right)
        if self.conventions.equation == "value":
            left, right = unnamed_set(left, right), unnamed_set(right, left)
        if (shape := self._as_regions(left, right)) is not None:
            return shape
        if isinstance(left, Words) or isinstance(right, Words):
            return self._words(left, right)
        left, right = renamed(left, right)
        if congruences.is_congruence(left) or congruences.is_congruence(right):
            self.reason = "number"
            return self._by_residues(left, right)
        left, right = with_names(left, right), with_names(right, left)
        if self._of_any_signs(left, right):
            return True
        ours, theirs = expanded(left), expanded(right)
        if len(ours) == 1 and len(theirs) == 1 and not {op(left), op(right)} & {"set"}:
            return self._one(ours[0], theirs[0])
        return self._lists(left, right, ours, theirs)

    def _by_residues(self, left: Node, right: Node) -> bool | None:
        """Congruences, once those of a list that has ± are written out."""
        ours, theirs = (Apply("list", tuple(expanded(n))) if has(n, "pm", "mp") else n for n in (left, right))
        return congruences.same(ours, theirs)

    def _of_any_signs(self, left: Node, right: Node) -> bool:
        """Whether tuples with several ± are the tuples of the other side, once each sign is chosen by itself."""
        if has(left, "pm") == has(right, "pm") or has(left, "mp") or has(right, "mp"):
            return False
        left, right = of_any_signs(left), of_any_signs(right)
        return not (has(left, "pm") or has(right, "pm")) and self.same(left, right) is True

    # Lists and sets

    def _lists(self, left: Node, right: Node, ours: list[Node], theirs: list[Node]) -> bool | None:
        if "dots" in {data(left), data(right)}:
            return self._endless(ours, theirs)
        ours, theirs = self._one_of(left, ours), self._one_of(right, theirs)
        if len(ours) == len(theirs) == 1 and not {op(left), op(right)} & {"set"}:
            return self._one(ours[0], theirs[0])
        if self.conventions.equation == "value" and are_named(ours) != are_named(theirs):
            ordered = in_order(ours) or in_order(theirs)
            ours, theirs = values(ours, theirs), values(theirs, ours)
            if ordered and len(ours) == len(theirs) > 1:
                return self._ordered(ours, theirs)
        sets = {op(left), op(right)} & {"set"}
        if not sets and _tuple_beside_list(ours, theirs):
            return self._ordered(
                args(ours[0]) if len(ours) == 1 else ours, args(theirs[0]) if len(theirs) == 1 else theirs
            )
        if _one_of_names(left, ours) != _one_of_names(right, theirs):
            return False
        solutions = all(op(node) == "brackets" for node in (*ours, *theirs))
        in_any_order = bool(sets) or self.conventions.list_order == "free"
        return (
            self._unordered(ours, theirs, distinct=bool(sets) or solutions)
            if in_any_order
            else self._ordered(ours, theirs)
        )

    def _one_of(self, node: Node, items: list[Node]) -> list[Node]:
        """`1/2 or 0.5` is one value, said twice."""
        if data(node) != "or" or any(self.same(items[0], item) is not True for item in items[1:]):
            return items
        return items[:1]

    def _endless(self, ours: list[Node], theirs: list[Node]) -> bool | None:
        """Sequences with dots, term by term; where both go on for ever, as far as the longer one is written out."""
        if ours[-1] == theirs[-1] == DOTS:
            length = max(len(ours), len(theirs)) - 1
            ours, theirs = (progressions.longer(items[:-1], length) for items in (ours, theirs))
        return self._ordered(ours, theirs)

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
        said = [(op(node) == "set") == (op(other) == "set") and self.same(node, other) for other in others]
        return True if True in said else None if None in said else False

    # One against one

    def _one(self, left: Node, right: Node) -> bool | None:
        if "relation" in {op(left), op(right)}:
            return self._relations(left, right)
        kinds = frozenset({kind(left), kind(right)})
        if kinds == {"sets"}:
            return True if left == right else False if _are_told_apart(left, right) else None
        compare = self._COMPARISONS.get(kinds)
        if compare is None:
            return None if kinds in _MAYBE_SETS else False
        return compare(self, left, right)

    def _elements(self, left: Node, right: Node) -> bool | None:
        return self._ordered(args(left), args(right))

    def _words(self, left: Node, right: Node) -> bool:
        self.reason = "text"
        a, b = (
            n.text if isinstance(n, Words) else n.name.lower() if isinstance(n, Symbol) else None for n in (left, right)
        )
        if a is not None and b is not None:
            return a == b
        return False

    def _measures(self, left: Node, right: Node) -> bool | None:
        if self.conventions.units == "ignored":
            left, right = (args(n)[0] if op(n) == "measure" else n for n in (left, right))
        return measures.same_measures(left, right, self.same)

    def _times(self, left: Node, right: Node) -> bool | None:
        return measures.same_times(left, right)

    def _dates(self, left: Node, right: Node) -> bool | None:
        return measures.same_dates(args(left), args(right))

    def _pieces(self, left: Node, right: Node) -> bool | None:
        self.reason = "points"
        return pieces.same(left, right, self.same)

    def _brackets(self, left: Node, right: Node) -> bool | None:
        ours, theirs = args(left), args(right)
        if len(ours) == 2 == len(theirs) and data(left) != data(right):
            return False
        return self._ordered(ours, theirs)

    def _vector(self, left: Node, right: Node) -> bool | None:
        matrix, brackets = (left, right) if op(left) == "matrix" else (right, left)
        rows = [args(row) for row in args(matrix)]
        if len(rows) == 1:
            return self._ordered(rows[0], args(brackets))
        return self._ordered([row[0] for row in rows], args(brackets)) if all(len(row) == 1 for row in rows) else False

    def _ratios(self, left: Node, right: Node) -> bool | None:
        ours, theirs = args(left), args(right)
        if len(ours) != len(theirs):
            return False
        if _ZERO in (*ours, *theirs) or DOTS in (*ours, *theirs):
            return self._ordered(ours, theirs)
        return _all(
            [
                self._scalars(Apply("/", (a, b)), Apply("/", (c, d)))
                for (a, b), (c, d) in zip(pairwise(ours), pairwise(theirs), strict=True)
            ]
        )

    def _ratio_as_number(self, left: Node, right: Node) -> bool | None:
        ratio, other = (left, right) if op(left) == "ratio" else (right, left)
        parts = args(ratio)
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
        if said is False and variables(left) | variables(right) <= WHOLE_NAMES:
            said = points.agree(left, right, whole=True)
        if said is False and all(has_imaginary(n) for n in (left, right)):
            said = points.agree(with_imaginary(left), with_imaginary(right))
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
        relation, other = (left, right) if op(left) == "relation" else (right, left)
        if not isinstance(relation, Apply) or self.conventions.equation == "strict":
            return False
        if relation.data == "in":
            return self.same(relation.args[1], other)
        named = relations.named_value(relation)
        return self.same(named[1], other) if named else False

    def _both_relations(self, left: Apply, right: Apply) -> bool | None:
        self.reason = "points"
        if left == right or relations.several_named(left) != relations.several_named(right):
            return left == right
        if left.data == right.data == "in":
            return self.same(left.args[1], right.args[1])
        ours, theirs = relations.named_value(left), relations.named_value(right)
        if ours and theirs:
            if self._same_name(ours[0], theirs[0]):
                return self.same(ours[1], theirs[1])
            if any(isinstance(name, Words) or op(name) in relations.OF_ANGLES for name in (ours[0], theirs[0])):
                return False
            functions = [op(name) == "unknown-function" for name in (ours[0], theirs[0])]
            if any(functions):
                return self._functions(ours, theirs) if all(functions) else self.same(ours[1], theirs[1])
        return relations.same(left, right)

    def _functions(self, ours: tuple[Node, Node], theirs: tuple[Node, Node]) -> bool | None:
        """`f(x) = x^2` and `f(t) = t^2`: the same but for the names of their arguments."""
        mine, other = args(ours[0]), args(theirs[0])
        if data(ours[0]) != data(theirs[0]) or len(mine) != len(other):
            return False
        pairs = zip(mine, other, strict=True)
        names = {b.name: a for a, b in pairs if isinstance(a, Symbol) and isinstance(b, Symbol) and b.name.islower()}
        taken = {a.name for a in mine if isinstance(a, Symbol)} - {b.name for b in other if isinstance(b, Symbol)}
        if len(names) < len(mine) or taken & variables(theirs[1]):
            return False
        return self.same(ours[1], substituted(theirs[1], names))

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
        left, right = set_of(left), set_of(right)
        if not (regions.is_region(left) or regions.is_region(right)):
            return None
        left, right = regions.in_a_row(left, right)
        compound = {"union", "intersection", "minus", "relation", "list", ""}
        sets = all(regions.is_region(n) or op(n) == "set" for n in (left, right))
        if not sets or not {op(left), op(right)} & compound:
            return None
        if op(left) == "relation" == op(right):
            names = {frozenset(variables(left)), frozenset(variables(right))}
            if len(names) > 1 and frozenset({ANYTHING}) not in names:
                return None
            said = relations.same(left, right) if isinstance(left, Apply) and isinstance(right, Apply) else None
            if said is True:
                self.reason = "points"
                return True
        said = regions.same(relations.subject(left), relations.subject(right))
        if said is not None:
            self.reason = "points"
        return said

    _COMPARISONS: ClassVar[dict[frozenset[str], Callable[["Comparison", Node, Node], bool | None]]] = {
        frozenset({"scalar"}): _scalars,
        frozenset({"brackets"}): _brackets,
        frozenset({"matrix"}): _elements,
        frozenset({"row"}): _elements,
        frozenset({"ratio"}): _ratios,
        frozenset({"measure"}): _measures,
        frozenset({"measure", "scalar"}): _measures,
        frozenset({"time"}): _times,
        frozenset({"date"}): _dates,
        frozenset({"cases"}): _pieces,
        frozenset({"cases", "scalar"}): _pieces,
        frozenset({"brackets", "matrix"}): _vector,
        frozenset({"ratio", "scalar"}): _ratio_as_number,
    }
    """How two kinds of node are compared; others are different."""


def _are_told_apart(left: Node, right: Node) -> bool:
    """Whether they are two sets of numbers that nobody takes for each other: 0 may be a natural number."""
    names = {node.name for node in (left, right) if isinstance(node, Symbol)}
    return len(names) == 2 and names != {"naturals", "positive integers"}


_ZERO = Number(Fraction(0))
_MAYBE_SETS = (frozenset({"sets", "brackets"}), frozenset({"sets", "set"}))


def _one_of_names(node: Node, items: list[Node]) -> bool:
    """Whether it is one of several names; of numbers, `1 or 2` is as good as `1 and 2`."""
    return data(node) == "or" and all(isinstance(item, Words) for item in items)


def _tuple_beside_list(ours: list[Node], theirs: list[Node]) -> bool:
    """Whether one side is a single tuple, the other a list of several items."""
    return any(
        len(one) == 1 and _is_tuple(one[0]) and len(other) > 1 for one, other in ((ours, theirs), (theirs, ours))
    )


def _is_tuple(node: Node) -> bool:
    return op(node) == "brackets" and data(node) == "()"


def _all(said: Sequence[bool | None]) -> bool | None:
    return False if False in said else None if None in said else True
