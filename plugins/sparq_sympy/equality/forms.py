"""Trees brought to one form before they are compared: sets united, chains at their end, vectors as the other has them."""

from collections.abc import Callable

from sparq_sympy.equality import recurrences, regions, relations, vectors
from sparq_sympy.equality.shapes import args, data, expanded, kind, op
from sparq_sympy.tree import matrices
from sparq_sympy.tree.nodes import Apply, Node, has

Same = Callable[[Node, Node], bool | None]


def settled(node: Node, same: Same) -> Node:
    """A node without a degree sign at its top, and with finite sets united."""
    if isinstance(node, Apply):
        if node.op == "deg":
            return node.args[0]
        node = relations.settled(vectors.untransposed(regions.as_difference(node)))
    if isinstance(node, Apply) and node.op == "relation":
        node = recurrences.settled(relations.with_values_named(_with_sums_of_tuples(node)))
    if op(node) == "relation" and data(node) == "!=" and has(node, "pm"):
        return Apply("list", tuple(expanded(node)), "and")
    if isinstance(node, Apply):
        if node.op in {"+", "*", "neg"}:
            return vectors.added(node) if has(node, "brackets") else matrices.reduced(node)
        if node.op in {"union", "intersection", "minus"}:
            ours, theirs = (settled(arg, same) for arg in node.args)
            if op(ours) == op(theirs) == "set":
                return _finite(node.op, args(ours), args(theirs), same)
    return node


def _with_sums_of_tuples(node: Apply) -> Node:
    """`(x, y) = (1, 2) + t(1, 0)` with its right side as one tuple."""
    return Apply(node.op, tuple(vectors.added(arg) if op(arg) == "+" else arg for arg in node.args), node.data)


def spelled_like(node: Node, other: Node) -> Node:
    """A node as a matrix or a vector, if that is what the other side is."""
    if op(other) == "matrix":
        node = vectors.as_matrix(node)
    if kind(node) != "scalar" or op(other) not in {"brackets", "matrix"} or not args(other):
        return node
    cells = args(other) if op(other) == "brackets" or len(args(other)) > 1 else args(args(other)[0])
    return vectors.components(node, len(cells)) or node


def unnamed_set(node: Node, other: Node) -> Node:
    """The set of `S = {1, 2}` or `D = [0, 1]`, where the other side is a set without a name."""
    if op(node) != "relation" or not (op(other) == "set" or regions.is_region(other)):
        return node
    named = relations.named_value(node)
    sets = op(other) == "set", op(other) != "brackets"
    return (
        named[1]
        if named and ((op(named[1]) == "set" and sets[0]) or (regions.is_region(named[1]) and sets[1]))
        else node
    )


def _finite(name: str, ours: list[Node], theirs: list[Node], same: Same) -> Node:
    if name == "union":
        return Apply("set", (*ours, *theirs))
    kept = [a for a in ours if any(same(a, b) is True for b in theirs) == (name == "intersection")]
    return Apply("set", tuple(kept))
