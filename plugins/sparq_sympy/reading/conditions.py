"""Conditions that a comma separates from a value: `2k, k ∈ ℤ`, `x^2, x > 0`."""

from sparq_sympy.tree.nodes import SETS, Apply, Node, variables

_ORDER = frozenset({"<", ">", "<=", ">=", "!=", "in"})


def with_condition(node: Node) -> tuple[Node, Node | None]:
    """A value and what is said of its variables after it; nothing where the items stand side by side."""
    if not isinstance(node, Apply) or node.op != "list" or node.data in {"or", "dots"} or len(node.args) < 2:
        return node, None
    values = [arg for arg in node.args if not _restricts(arg)]
    conditions = node.args[len(values) :]
    if not values or not conditions or any(not _restricts(arg) for arg in conditions):
        return node, None
    known = set().union(*map(variables, values))
    if not all(variables(arg) - SETS <= known for arg in conditions):
        return node, None
    value = values[0] if len(values) == 1 else Apply("list", tuple(values), node.data)
    return value, conditions[0] if len(conditions) == 1 else Apply("list", tuple(conditions), "and")


def _restricts(node: Node) -> bool:
    return isinstance(node, Apply) and node.op == "relation" and set(node.data.split()) <= _ORDER
