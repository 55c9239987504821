"""
From an answer's text to its tree: LaTeX and plain notation alike.

Text is never handed to anything that evaluates it. What the grammar does not know raises UnsupportedError.
"""

from sparq_sympy.reading.brackets import BRACKETS
from sparq_sympy.reading.commands import COMMANDS
from sparq_sympy.reading.environments import ENVIRONMENTS
from sparq_sympy.reading.grammar import Grammar
from sparq_sympy.reading.primaries import PRIMARIES
from sparq_sympy.reading.tokens import UnsupportedError, tokens
from sparq_sympy.tree.nodes import Node
from sparq_sympy.tree.progressions import written_out

_READERS = {**BRACKETS, **COMMANDS, **ENVIRONMENTS, **PRIMARIES}


def parse(text: str) -> Node:
    """The tree of an answer; UnsupportedError where it has none, TooLargeError for a number out of bounds."""
    grammar = Grammar(tokens(text), _READERS)
    try:
        node = grammar.statement()
    except (RecursionError, IndexError, ValueError, ZeroDivisionError) as error:
        raise UnsupportedError(type(error).__name__) from error
    if grammar.peek().kind != "end":
        raise UnsupportedError(f"unexpected {grammar.peek().text!r}")
    if (whole := written_out(node)) is None:
        raise UnsupportedError("dots that tell nothing")
    return whole
