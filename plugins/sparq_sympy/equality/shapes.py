"""The shapes of answers: what a tree is at its top, its items, the names its values have."""

import itertools
from collections.abc import Sequence

from sparq_sympy.equality import relations
from sparq_sympy.tree.nodes import SETS, Apply, Node, Symbol, has, substituted, variables, walk


def op(node: Node) -> str:
    """The operation, or nothing."""
    return node.op if isinstance(node, Apply) else ""


def data(node: Node) -> str:
    """What `data` of an operation says, or nothing."""
    return node.data if isinstance(node, Apply) else ""


def args(node: Node) -> list[Node]:
    """The arguments of an operation."""
    return list(node.args) if isinstance(node, Apply) else []


_CONSTANTS = frozenset({"C", "K", "c", "k"})
_PARAMETERS = frozenset({"t", "s", "r", "u", "k", "lambda", "mu"})
_TWO_CONSTANTS = (["A", "B"], ["C_1", "C_2"], ["c_1", "c_2"])
_WHOLE = frozenset({"n", "k", "m"})
_MOST_CHOICES = 64
_SHAPES = frozenset({"brackets", "matrix", "row", "ratio", "cases", "measure", "time", "date", "set", "list"})


def kind(node: Node) -> str:
    """The shape by its name, `sets` for sets of numbers, or `scalar`."""
    name = op(node)
    if name in {"union", "intersection", "minus"} or (isinstance(node, Symbol) and node.name in SETS):
        return "sets"
    return name if name in _SHAPES else "scalar"


def set_of(node: Node) -> Node:
    """The set of `x in set`."""
    return node.args[1] if isinstance(node, Apply) and node.op == "relation" and node.data == "in" else node


def with_names(node: Node, other: Node) -> Node:
    """`(x, y) = (1, 2)` and `x = y = 1` as equations one by one, where that is how the other side puts it."""
    if not isinstance(node, Apply) or node.op != "relation" or set(node.data.split()) != {"="}:
        return node
    *names, value = node.args
    if len(names) > 1 and len(args(other)) == len(names) and all(isinstance(name, Symbol) for name in names):
        if op(other) == "brackets" or are_named(args(other)):
            return Apply("list", tuple(Apply("relation", (name, value), "=") for name in names))
        return node
    if node.data != "=" or not are_named(args(other)):
        return node
    left, right = node.args
    if op(left) != "brackets" or op(right) != "brackets" or len(args(left)) != len(args(right)):
        return node
    pairs = zip(args(left), args(right), strict=True)
    return Apply("list", tuple(Apply("relation", pair, "=") for pair in pairs))


def has_imaginary(node: Node) -> bool:
    """Whether an imaginary unit may be in it: an `i`, or an `I`."""
    return any(isinstance(n, Symbol) and n.name in {"i", "I"} for n in walk(node))


def with_imaginary(node: Node) -> Node:
    """A node with `I` read as the imaginary unit, as plain notation has it."""
    if isinstance(node, Apply):
        return Apply(node.op, tuple(map(with_imaginary, node.args)), node.data)
    return Symbol("i") if node == Symbol("I") else node


def expanded(node: Node) -> list[Node]:
    """The items of a list or set, with two for each that has a ±."""
    items = args(node) if op(node) in {"list", "set"} else [node]
    found: list[Node] = []
    for item in items:
        found += [_signed(item, 1), _signed(item, -1)] if has(item, "pm", "mp") else [item]
    return found


def renamed(left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides, with one name for the constant of integration, the whole number or the parameter that each names its own."""
    ours, theirs = variables(left), variables(right)
    mine, other = ours - theirs, theirs - ours
    if sorted(mine) in _TWO_CONSTANTS and sorted(other) in _TWO_CONSTANTS:
        names = zip(sorted(other), sorted(mine), strict=True)
        return left, substituted(right, {b: Symbol(a) for b, a in names})
    if len(mine) != 1 or len(other) != 1:
        return left, right
    (a,), (b,) = mine, other
    constants = {a, b} <= _CONSTANTS and "C" in {a, b}
    whole = {a, b} <= _WHOLE and all(map(_turns, (left, right)))
    tuples = {a, b} <= _PARAMETERS and (op(left) == op(right) == "brackets" or (_by_names(left) and _by_names(right)))
    return (left, substituted(right, {b: Symbol(a)})) if constants or whole or tuples else (left, right)


def _by_names(node: Node) -> bool:
    """Whether it says what several coordinates are, one by one or as a tuple."""
    items = args(node) if op(node) == "list" else []
    if op(node) == "relation" and data(node) == "=" and op(args(node)[0]) == "brackets":
        items = args(args(node)[0])
    return len(items) > 1 and (are_named(items) or all(isinstance(item, Symbol) for item in items))


def _turns(node: Node) -> bool:
    """Whether it is an angle, in radians or degrees."""
    return has(node, "deg") or any(n == Symbol("pi") for n in walk(node))


def of_any_signs(node: Node) -> Node:
    """Tuples with several ± as a list of those with every choice of signs."""
    items = args(node) if op(node) in {"list", "set"} else [node]
    if not all(op(item) == "brackets" for item in items) or all(_signs(item) < 2 for item in items):
        return node
    return Apply("list", tuple(choice for item in items for choice in _choices(item)))


def _signs(node: Node) -> int:
    return sum(has(arg, "pm") for arg in args(node))


def _choices(node: Node) -> list[Node]:
    """A tuple with each sign chosen by itself."""
    parts = [[_signed(arg, 1), _signed(arg, -1)] if has(arg, "pm") else [arg] for arg in args(node)]
    return [
        Apply("brackets", chosen, data(node)) for chosen in itertools.islice(itertools.product(*parts), _MOST_CHOICES)
    ]


def _signed(node: Node, sign: int) -> Node:
    if not isinstance(node, Apply):
        return node
    inner = tuple(_signed(arg, sign) for arg in node.args)
    if node.op in {"pm", "mp"}:
        return inner[0] if (node.op == "pm") == (sign > 0) else _negative(inner[0])
    return Apply(node.op, inner, node.data)


def _negative(node: Node) -> Node:
    if op(node) == "brackets":
        return Apply("brackets", tuple(map(_negative, args(node))), data(node))
    return Apply("neg", (node,))


def are_named(items: Sequence[Node]) -> bool:
    """Whether the items are values with names, all of them or the first for all."""
    return bool(items) and relations.named_value(items[0]) is not None


def values(items: list[Node], others: list[Node]) -> list[Node]:
    """The values of `x = 1, y = 2`; as tuples, by the order of the names, where the other side has tuples of as many."""
    named = [relations.named_value(item) for item in items]
    if not named or named[0] is None:
        return items
    found = [pair[1] if pair else item for pair, item in zip(named, items, strict=True)]
    names = [pair[0] if pair else None for pair in named]
    width = len(args(others[0])) if others and all(op(other) == "brackets" for other in others) else 0
    period = len(set(map(repr, names)))
    if width > 1 and period == width and len(found) % width == 0 and names == names[:width] * (len(found) // width):
        order = sorted(range(width), key=lambda k: repr(names[k]))
        return [Apply("brackets", tuple(found[k + i] for i in order), "()") for k in range(0, len(found), width)]
    return found


def in_order(items: Sequence[Node]) -> bool:
    """Whether the order of named values matters: `x = 1, y = 2`, but not `x = 1, x = 2` or `x_1 = 1, x_2 = 2`."""
    pairs = [relations.named_value(item) for item in items]
    bases = {repr(pair[0]).partition("_")[0] for pair in pairs if pair}
    return len(pairs) > 1 and all(pairs) and len(bases) == len(pairs)
