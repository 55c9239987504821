"""LaTeX commands that are no names: fractions, decorations, series."""

from fractions import Fraction

from sparq_sympy.reading.grammar import Grammar, Reader
from sparq_sympy.reading.names import SETS
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol


def fraction(grammar: Grammar, _: str) -> Node:
    r"""`\frac12`; a derivative is not for this grammar."""
    if [grammar.peek(i).text for i in range(5)] == ["{", "d", "}", "{", "d"]:
        raise UnsupportedError("a derivative")
    return Apply("/", (grammar.argument(), grammar.argument()))


def binomial(grammar: Grammar, _: str) -> Node:
    r"""`\binom{n}{k}`."""
    return Apply("binomial", (grammar.argument(), grammar.argument()))


def conjugate(grammar: Grammar, _: str) -> Node:
    r"""`\overline{z}`; over digits after a point it was taken care of before."""
    inside = grammar.argument()
    return Symbol(f"bar {inside.name}") if isinstance(inside, Symbol) else Apply("conjugate", (inside,))


def decorated(grammar: Grammar, command: str) -> Node:
    r"""`\hat{x}`, another variable than x."""
    mark = command.strip("\\")
    inside = grammar.argument()
    return Symbol(f"{mark} {inside.name}") if isinstance(inside, Symbol) else inside


def undecorated(grammar: Grammar, _: str) -> Node:
    r"""`\vec{x}`, the same as x."""
    return grammar.argument()


def empty(_grammar: Grammar, _: str) -> Node:
    r"""`\emptyset`."""
    return Apply("set", ())


def number_set(grammar: Grammar, _: str) -> Node:
    r"""`\mathbb{R}`, `\mathbb{Z}^+`, `\mathbb{R}_{\ge 0}`."""
    name = grammar.flat()
    if name not in SETS:
        raise UnsupportedError(f"unknown set {name}")
    whole = Symbol(SETS[name])
    return _part_of(whole, grammar.flat()) if grammar.accept("^", "_") else whole


def _part_of(whole: Symbol, which: str) -> Node:
    """The positive numbers of a set, or those that are not negative."""
    bounds = (Number(Fraction(0)), Symbol("infinity"))
    if which in {"+", ">0"} and whole.name in {"reals", "integers"}:
        return Apply("brackets", bounds, "()") if whole.name == "reals" else Symbol("positive integers")
    if which in {"ge0", "geq0", "geqslant0", ">=0"} and whole.name == "reals":
        return Apply("brackets", bounds, "[)")
    raise UnsupportedError(f"unknown part of a set {which}")


def figure(grammar: Grammar, command: str) -> Node:
    r"""`\angle ABC`, a name."""
    name = command.strip("\\")
    while grammar.peek().kind in {"letter", "word"}:
        name += grammar.next().text
    return Symbol(name)


def series(grammar: Grammar, command: str) -> Node:
    r"""`\sum_{k=1}^{n} term`."""
    name = command.strip("\\")
    grammar.expect("_")
    start = grammar.group()
    grammar.expect("^")
    end = grammar.exponent()
    if not (isinstance(start, Apply) and start.data == "=" and isinstance(start.args[0], Symbol)):
        raise UnsupportedError("a series without a range")
    return Apply(name, (start.args[0], start.args[1], end, grammar.term()))


COMMANDS: dict[str, Reader] = {
    r"\frac": fraction,
    **dict.fromkeys((r"\binom", r"\dbinom", r"\tbinom"), binomial),
    **dict.fromkeys((r"\overline", r"\bar"), conjugate),
    **dict.fromkeys((r"\hat", r"\tilde", r"\widehat", r"\widetilde"), decorated),
    **dict.fromkeys((r"\vec", r"\overrightarrow", r"\underline"), undecorated),
    **dict.fromkeys((r"\mathbf", r"\boldsymbol", r"\mathcal", r"\bm"), undecorated),
    **dict.fromkeys((r"\emptyset", r"\varnothing"), empty),
    r"\mathbb": number_set,
    **dict.fromkeys((r"\angle", r"\triangle", r"\measuredangle"), figure),
    **dict.fromkeys((r"\sum", r"\prod"), series),
}
"""Readers by command."""
