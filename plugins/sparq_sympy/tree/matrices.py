"""Sums, products and determinants of matrices, written out in their elements."""

from sparq_sympy.tree.nodes import Apply, Node

Rows = list[list[Node]]
LARGEST = 5
"""Rows of a determinant."""


def reduced(node: Node) -> Node:
    """A sum or product of matrices as one matrix, where the shapes allow it; any other node as it is."""
    if not isinstance(node, Apply) or node.op not in {"+", "*", "neg"}:
        return node
    args = [reduced(arg) for arg in node.args]
    matrices = [arg for arg in args if is_matrix(arg)]
    if not matrices:
        return node
    if node.op == "neg":
        return from_rows([[Apply("neg", (cell,)) for cell in row] for row in rows(args[0])])
    if node.op == "+":
        return _added(node, args) if len(matrices) == len(args) else node
    return _multiplied(node, args)


def _added(node: Node, matrices: list[Node]) -> Node:
    cells = [rows(m) for m in matrices]
    if len({tuple(map(len, m)) for m in cells}) > 1:
        return node
    return from_rows([[Apply("+", across) for across in zip(*row, strict=True)] for row in zip(*cells, strict=True)])


def _multiplied(node: Node, args: list[Node]) -> Node:
    scalars = tuple(arg for arg in args if not is_matrix(arg))
    product: Rows | None = None
    for matrix in filter(is_matrix, args):
        cells = rows(matrix)
        if product is None:
            product = cells
        elif {len(row) for row in product} == {len(cells)} and cells:
            columns = list(zip(*cells, strict=True))
            product = [
                [Apply("+", tuple(Apply("*", pair) for pair in zip(row, column, strict=True))) for column in columns]
                for row in product
            ]
        else:
            return node
    return from_rows([[Apply("*", (*scalars, cell)) if scalars else cell for cell in row] for row in product or []])


def determinant(cells: Rows) -> Node | None:
    """The determinant; None of what is not square or larger than 5."""
    if not cells or len(cells) > LARGEST or any(len(row) != len(cells) for row in cells):
        return None
    return _expanded(cells)


def _expanded(cells: Rows) -> Node:
    """The determinant, by its first row."""
    if len(cells) == 1:
        return cells[0][0]
    terms: list[Node] = []
    for k, cell in enumerate(cells[0]):
        minor = _expanded([row[:k] + row[k + 1 :] for row in cells[1:]])
        term = Apply("*", (cell, minor))
        terms.append(Apply("neg", (term,)) if k % 2 else term)
    return Apply("+", tuple(terms))


def is_matrix(node: Node) -> bool:
    """Whether a node is a matrix, all of whose rows are equally long."""
    return isinstance(node, Apply) and node.op == "matrix" and len({len(row) for row in rows(node)}) == 1


def rows(node: Node) -> Rows:
    """The cells of a matrix."""
    return [list(row.args) for row in node.args if isinstance(row, Apply)] if isinstance(node, Apply) else []


def from_rows(cells: Rows) -> Node:
    """A matrix of cells."""
    return Apply("matrix", tuple(Apply("row", tuple(row)) for row in cells))
