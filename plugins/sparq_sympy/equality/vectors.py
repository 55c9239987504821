"""Matrices and vectors in their other spellings: lists in lists, `2i + 3j`, a transposed row."""

from fractions import Fraction

from sparq_sympy.equality import points
from sparq_sympy.tree import matrices
from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, substituted, walk

_UNITS = ("i", "j", "k")
_NESTED = frozenset({"brackets", "set"})


def as_matrix(node: Node) -> Node:
    """Lists of equal length in a list as a matrix; other nodes as they are."""
    if not isinstance(node, Apply) or node.op not in _NESTED:
        return node
    rows = [list(arg.args) for arg in node.args if isinstance(arg, Apply) and arg.op == node.op]
    if len(rows) < max(len(node.args), 1) or len({len(row) for row in rows}) > 1:
        return node
    return matrices.from_rows(rows)


def added(node: Node) -> Node:
    """`(1, 0) + t(2, 1)` as one tuple; any other node as it is."""
    found = matrices.reduced(_as_columns(node))
    if not matrices.is_matrix(found) or any(len(row) != 1 for row in matrices.rows(found)):
        return node
    return Apply("brackets", tuple(row[0] for row in matrices.rows(found)), "()")


def _as_columns(node: Node) -> Node:
    if isinstance(node, Apply) and node.op in {"+", "*", "neg"}:
        return Apply(node.op, tuple(map(_as_columns, node.args)), node.data)
    if isinstance(node, Apply) and node.op == "brackets" and node.data == "()":
        return matrices.from_rows([[arg] for arg in node.args])
    return node


def untransposed(node: Node) -> Node:
    """A matrix in place of the transposed one; of a vector itself."""
    if not isinstance(node, Apply) or not node.args:
        return node
    base = node.args[0]
    turned = (node.op == "mark" and node.data == r"\top") or (node.op == "^" and node.args[1:] == (Symbol("T"),))
    if not turned or not isinstance(base, Apply):
        return node
    if matrices.is_matrix(base):
        return matrices.from_rows([list(column) for column in zip(*matrices.rows(base), strict=True)])
    return base if base.op == "brackets" else node


def components(node: Node, width: int) -> Node | None:
    """`2i + 3j` as (2, 3) or (2, 3, 0), whichever is asked for; None of what is not written in unit vectors."""
    names = {n.name for n in walk(node) if isinstance(n, Symbol)}
    if width not in {2, 3} or not names & {"j", "k"} or (width == 2 and "k" in names):
        return None
    zero, one = Number(Fraction(0)), Number(Fraction(1))

    def at(*values: Node) -> Node:
        return substituted(node, dict(zip(_UNITS, values, strict=True)))

    found = [at(*(one if k == n else zero for k in range(3))) for n in range(3)]
    apart = Apply(
        "+", tuple(Apply("*", (part, Symbol(f"unit {name}"))) for part, name in zip(found, _UNITS, strict=True))
    )
    whole = at(*(Symbol(f"unit {name}") for name in _UNITS))
    if points.agree(whole, apart) is not True:
        return None
    return Apply("brackets", tuple(found[:width]), "()")
