"""What an answer is once it is read: a tree of numbers, symbols and applied operations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

ANYTHING = "·"
"""What an inequality without a left side speaks of: the name of a symbol."""


class TooLargeError(Exception):
    """The value, or a step on the way to it, is out of bounds."""


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable or a constant, with its subscript and primes."""

    name: str


@dataclass(frozen=True, slots=True)
class Words:
    """Text: lower case, single spaces."""

    text: str


@dataclass(frozen=True, slots=True)
class Apply:
    """
    An operation on its arguments.

    `op` is one of the operators `+ * / ^ neg ! abs …`, a function's name, `pm` and `mp`, or one of the shapes: `list`, `set`,
    `brackets` (`data` holds the two, `(]`), `matrix` and its `row`, `ratio`, `relation` (`data` holds the signs, separated by
    spaces), `union`, `intersection`, `minus`, `unknown-function` (`data` holds its name), `base` (`data` holds the base),
    `congruence` (what is spoken of, its residue, the modulus), `cases` of `case` (a body, its condition), `measure` (`data`
    holds the unit), `time` (minutes since midnight; `data` says whether the half of the day is told), `date` (year, month,
    day, day of the week).
    """

    op: str
    args: tuple["Node", ...]
    data: str = ""


Node = Number | Symbol | Words | Apply


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    if isinstance(node, Apply):
        for arg in node.args:
            yield from walk(arg)


DOTS = Symbol("…")
"""What stands for terms that are left out."""
SETS = frozenset({"positive integers", "reals", "integers", "naturals", "rationals", "complexes"})
"""Names of symbols that are sets of numbers."""
CONSTANTS = frozenset({"pi", "e", "i", "infinity"})


def variables(node: Node) -> set[str]:
    """Names of the symbols that are no constants."""
    return {n.name for n in walk(node) if isinstance(n, Symbol)} - CONSTANTS


def substituted(node: Node, values: Mapping[str, Node]) -> Node:
    """A tree with other nodes in place of some symbols."""
    if isinstance(node, Symbol):
        return values.get(node.name, node)
    if isinstance(node, Apply):
        return Apply(node.op, tuple(substituted(arg, values) for arg in node.args), node.data)
    return node


def has(node: Node, *ops: str) -> bool:
    """Whether an operation occurs anywhere in it."""
    return any(isinstance(n, Apply) and n.op in ops for n in walk(node))


_INFIX = {
    "+": " + ",
    "*": "·",
    "/": "/",
    "^": "^",
    "ratio": " : ",
    "union": " ∪ ",
    "intersection": " ∩ ",
    "minus": " ∖ ",
}


def shown(node: Node) -> str:
    """A tree for people."""
    if isinstance(node, Apply):
        return _applied(node, [shown(arg) for arg in node.args])
    return str(node.value) if isinstance(node, Number) else node.name if isinstance(node, Symbol) else f'"{node.text}"'


def _applied(node: Apply, args: list[str]) -> str:
    if node.op in _INFIX:
        return f"({_INFIX[node.op].join(args)})"
    if node.op == "relation":
        signs = [*node.data.split(), ""]
        return " ".join(part for pair in zip(args, signs, strict=True) for part in pair).strip()
    if node.op in {"brackets", "set", "list"}:
        ends = {"brackets": node.data, "set": "{}", "list": "  "}[node.op]
        return f"{ends[0]}{', '.join(args)}{ends[1]}".strip()
    name = {"neg": "−", "unknown-function": node.data, "inverse": "1/"}.get(node.op, node.op)
    return f"{name}({', '.join(args)})"
