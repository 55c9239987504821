r"""LaTeX environments: matrices, functions given by cases, systems of equations."""

from sparq_sympy.reading.grammar import Grammar, Reader
from sparq_sympy.reading.tokens import Token, UnsupportedError
from sparq_sympy.tree import matrices
from sparq_sympy.tree.nodes import Apply, Node, Words

_MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "array", "smallmatrix"})
_CASES = frozenset({"cases", "dcases", "rcases"})
_SYSTEMS = frozenset({"aligned", "align", "align*", "gathered", "split"})
_IF = frozenset({"if", "for", "when", "where", "if and only if", "for all", "on"})
_ELSE = frozenset({"otherwise", "else", "in all other cases", "for all other cases"})


def environment(grammar: Grammar, _: str) -> Node:
    r"""`\begin{pmatrix} … \end{pmatrix}`, `\begin{cases} … \end{cases}`; a determinant between bars."""
    name = grammar.flat()
    if name == "array" and grammar.sees("{"):
        grammar.flat()
    if name in _CASES or name in _SYSTEMS:
        return _pieces(grammar)
    if name not in _MATRICES:
        raise UnsupportedError(f"unknown environment {name}")
    cells = _cells(grammar)
    if name != "vmatrix":
        return matrices.from_rows(cells)
    if (determinant := matrices.determinant(cells)) is None:
        raise UnsupportedError("a determinant that is not square")
    return determinant


def braced(grammar: Grammar) -> Node:
    r"""`\{ \begin{array}{l} … \end{array}`, which is how cases are written by hand; after its brace."""
    grammar.expect(r"\begin")
    name = grammar.flat()
    if name == "array" and grammar.sees("{"):
        grammar.flat()
    return _pieces(grammar)


def _cells(grammar: Grammar) -> matrices.Rows:
    cells: matrices.Rows = [[]]
    while not grammar.accept(r"\end"):
        if grammar.accept(r"\\"):
            cells.append([])
        elif not grammar.accept("&", r"\hline"):
            cells[-1].append(grammar.sum())
    grammar.flat()
    return [row for row in cells if row]


def _pieces(grammar: Grammar) -> Node:
    """Bodies with their conditions; without any conditions, statements that all hold."""
    bodies: list[Node] = []
    conditions: list[Node | None] = []
    while not grammar.accept(r"\end"):
        if grammar.accept(r"\\", "&", ","):
            continue
        bodies.append(_aligned(grammar))
        grammar.accept(",", ";")
        grammar.accept("&")
        conditions.append(_condition(grammar))
    grammar.flat()
    if all(condition is None for condition in conditions) and bodies:
        return Apply("list", tuple(bodies), "and") if len(bodies) > 1 else bodies[0]
    pairs = zip(bodies, (c or Words("otherwise") for c in conditions), strict=True)
    return Apply("cases", tuple(Apply("case", pair) for pair in pairs))


def _aligned(grammar: Grammar) -> Node:
    """A body, or an equation that is aligned at its sign: `x &= 1`."""
    left = grammar.relation()
    if grammar.sees("&") and grammar.peek(1).text == "=":
        grammar.skip(2)
        return Apply("relation", (left, grammar.side()), "=")
    return left


def _condition(grammar: Grammar) -> Node | None:
    """The condition of a case, without its `if`: a formula, else the words it is put in; None where the row ends."""
    if grammar.peek().text.strip(" ,.:").lower() in _IF:
        grammar.skip(1)
    row = _rest_of_row(grammar)
    if not row:
        return None
    grammar.skip(len(row))
    while row and row[-1].text in {",", ".", ";"}:
        row.pop()
    if row and not any(token.kind in {"text", "word"} for token in row):
        inner = grammar.of(row)
        node = inner.statement()
        if inner.peek().kind != "end":
            raise UnsupportedError("a condition that goes on")
        return node
    said = " ".join(word for token in row if (word := token.text.strip(" ,.:").lower()))
    return Words("otherwise" if said in _ELSE else said)


def _rest_of_row(grammar: Grammar) -> list[Token]:
    found: list[Token] = []
    while grammar.peek(len(found)).kind != "end" and grammar.peek(len(found)).text not in {r"\\", r"\end"}:
        found.append(grammar.peek(len(found)))
    return found


ENVIRONMENTS: dict[str, Reader] = {r"\begin": environment}
"""Readers by what begins an environment."""
