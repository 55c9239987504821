"""Brackets and bars: groups, tuples, intervals, sets, absolute values."""

import math
from fractions import Fraction

from sparq_sympy.reading.environments import braced
from sparq_sympy.reading.grammar import Grammar, Reader
from sparq_sympy.reading.names import BARS, CLOSERS
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.exact import exact
from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol

MOST_WRITTEN_OUT = 300
"""Members of a set of whole numbers."""

_OVER = {r"\over": "/", r"\choose": "binomial"}
_SUCH_THAT = frozenset({":", "|", r"\mid", r"\vert", r"\colon"})


def bracketed(grammar: Grammar, opener: str) -> Node:
    """A group, an interval, a tuple, a set; `[1, 2)` closes with the other bracket."""
    if opener in {r"\{", "{"} and grammar.accept(CLOSERS[opener]):
        return Apply("set", ())
    bars, grammar.bars = grammar.bars, 0
    if opener == "{" and _divides(grammar):
        node: Node = _divided(grammar)
    elif opener == r"\{" and grammar.sees(r"\begin") and _left_open(grammar):
        node = braced(grammar)
    elif opener in {r"\{", "{"} and _builds(grammar):
        node = _built(grammar, CLOSERS[opener])
    else:
        node = _enclosed(grammar, opener)
    grammar.bars = bars
    return node


def _enclosed(grammar: Grammar, opener: str) -> Node:
    """Items up to what closes them, and what the two brackets make of them."""
    items, how = grammar.items()
    closer = grammar.next().text
    if closer != CLOSERS[opener] and not {opener, closer} <= {"(", ")", "[", "]"}:
        raise UnsupportedError(f"{opener} is closed by {closer or 'nothing'}")
    if opener in {r"\lfloor", r"\lceil"}:
        return Apply("floor" if opener == r"\lfloor" else "ceil", tuple(items))
    if opener == r"\{" or (opener == "{" and len(items) > 1):
        return Apply("set", tuple(items), how)
    if len(items) == 1 and opener != r"\langle":
        return items[0]
    return Apply("brackets", tuple(items), "()" if opener == r"\langle" else opener + closer)


def _left_open(grammar: Grammar) -> bool:
    """Whether what begins here is not followed by the other brace."""
    ahead = 0
    while grammar.peek(ahead).kind != "end" and grammar.peek(ahead).text != r"\end":
        ahead += 1
    return grammar.peek(ahead + 4).text != r"\}"


def _divides(grammar: Grammar) -> bool:
    r"""Whether a brace holds a `\over` or a `\choose` of its own."""
    depth = ahead = 0
    while depth >= 0 and grammar.peek(ahead).kind != "end":
        text = grammar.peek(ahead).text
        depth += {"{": 1, "}": -1}.get(text, 0)
        if text in _OVER and not depth:
            return True
        ahead += 1
    return False


def _divided(grammar: Grammar) -> Node:
    r"""`n \choose k}` or `a \over b}`."""
    top = grammar.sum()
    op = _OVER.get(grammar.next().text)
    bottom = grammar.sum()
    grammar.expect("}")
    if op is None:
        raise UnsupportedError("a sum before what it is over")
    return Apply(op, (top, bottom))


def _builds(grammar: Grammar) -> bool:
    r"""Whether a set is given by a condition: `\{x : x > 2\}`."""
    bare = 1 + 5 * (_domain(grammar) is not None)
    return grammar.peek().kind == "letter" and grammar.peek(bare).text in _SUCH_THAT


def _domain(grammar: Grammar) -> str | None:
    r"""The set of numbers in `n \in \mathbb{Z}`, by its letter."""
    seen = [grammar.peek(i).text for i in range(1, 6)]
    return seen[3] if seen == [r"\in", r"\mathbb", "{", seen[3], "}"] and seen[3] in {"R", "Z"} else None


def _whole(node: Node) -> Node:
    r"""The whole numbers of `1 \le n \le 4`."""
    if (
        not isinstance(node, Apply)
        or node.op != "relation"
        or len(node.args) != 3
        or not set(node.data.split()) <= {"<", "<="}
    ):
        raise UnsupportedError("whole numbers under a condition")
    low, high = exact(node.args[0]), exact(node.args[2])
    if low is None or high is None or not isinstance(node.args[1], Symbol) or high - low > MOST_WRITTEN_OUT:
        raise UnsupportedError("whole numbers without bounds")
    first, last = node.data.split()
    start = math.floor(low) + 1 if first == "<" else math.ceil(low)
    end = math.ceil(high) - 1 if last == "<" else math.floor(high)
    return Apply("set", tuple(Number(Fraction(n)) for n in range(start, end + 1)))


def _built(grammar: Grammar, closer: str) -> Node:
    """The condition of a set; its members, if these are whole numbers."""
    whole = _domain(grammar) == "Z"
    while not grammar.accept(*_SUCH_THAT):
        grammar.skip(1)
    items, _ = grammar.items()
    grammar.expect(closer)
    if whole:
        return _whole(items[0])
    return items[0] if len(items) == 1 else Apply("list", tuple(items), "and")


def absolute(grammar: Grammar, _: str) -> Node:
    """`|x|`, after its first bar."""
    grammar.bars += 1
    inner = grammar.sum()
    if grammar.next().text not in BARS:
        raise UnsupportedError("an absolute value is not closed")
    grammar.bars -= 1
    return Apply("abs", (inner,))


BRACKETS: dict[str, Reader] = {**dict.fromkeys(CLOSERS, bracketed), **dict.fromkeys(BARS, absolute)}
"""Readers by what opens them."""
