"""What an answer is once it is read: a tree of numbers, symbols and applied operations."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction


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
    spaces), `union`, `intersection`, `minus`, `unknown-function` (`data` holds its name), `base` (`data` holds the base).
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


CONSTANTS = frozenset({"pi", "e", "i", "infinity"})


def variables(node: Node) -> set[str]:
    """Names of the symbols that are no constants."""
    return {n.name for n in walk(node) if isinstance(n, Symbol)} - CONSTANTS


def has(node: Node, *ops: str) -> bool:
    """Whether an operation occurs anywhere in it."""
    return any(isinstance(n, Apply) and n.op in ops for n in walk(node))
