"""Numbers, words and names: what is read by its kind, and functions with their arguments."""

from fractions import Fraction

from sparq_sympy.reading.grammar import Grammar, Reader, joined, literal
from sparq_sympy.reading.names import CLOSERS, CONSTANT_NAMES, FUNCTIONS, GREEK, VARIANTS
from sparq_sympy.reading.tokens import UnsupportedError
from sparq_sympy.tree.nodes import DOTS, Apply, Node, Number, Symbol, Words, walk

_ENDS_ARGUMENT = frozenset({r"\cdot", r"\times"})
_OPAQUE = frozenset("fghFGHP")
"""Letters that are functions where a bracket follows."""
_MINUS_ONE = Apply("neg", (Number(Fraction(1)),))


def number(grammar: Grammar, text: str) -> Node:
    """A number, mixed with the fraction that follows it, or with its base."""
    value = literal(text)
    if grammar.accept("_"):
        return Apply("base", (Words(text),), grammar.flat())
    if value.denominator == 1 and (fraction := _mixed(grammar)) is not None:
        return Number(value + fraction)
    if grammar.peek().kind == "number":
        raise UnsupportedError("two numbers side by side")
    return Number(value)


def _mixed(grammar: Grammar) -> Fraction | None:
    """The fraction of a mixed number, if one follows."""
    before = grammar.at
    if grammar.accept(r"\frac"):
        top, bottom = grammar.argument(), grammar.argument()
        if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
            return top.value / bottom.value
        grammar.at = before
        return None
    first, slash, second = (grammar.peek(i) for i in range(3))
    if first.kind == second.kind == "number" and first.spaced and slash.text == "/":
        above, below = literal(first.text), literal(second.text)
        if 0 < above < below:
            grammar.skip(3)
            return above / below
    return None


def dots(grammar: Grammar, text: str) -> Node:
    """Dots among the terms of a sum or product."""
    if text == ".":
        grammar.expect(".")
        grammar.expect(".")
    return DOTS


def words(_: Grammar, text: str) -> Node:
    """A text, or a run of letters that is no product."""
    return Words(text.strip().lower())


def symbol(grammar: Grammar, name: str) -> Node:
    """A variable with its primes and subscript; `f(x)` for the usual names of functions."""
    plain = name
    while grammar.accept("'", r"\prime"):
        name += "'"
    if grammar.sees("^") and grammar.peek(1).text in {"'", r"\prime"}:
        grammar.skip(2)
        name += "'"
    if grammar.accept("_"):
        name += "_" + grammar.flat()
    if plain in _OPAQUE and (inverse := _inverse(grammar)):
        grammar.skip(inverse)
        name += "^-1"
    if plain in _OPAQUE and grammar.accept("("):
        items, _ = grammar.items()
        grammar.expect(")")
        return Apply("unknown-function", tuple(items), name)
    return Symbol(name)


def _inverse(grammar: Grammar) -> int:
    """How many tokens of `f^{-1}(` are the exponent; none where that is not what stands here."""
    seen = [grammar.peek(k).text for k in range(6)]
    return 5 if seen == ["^", "{", "-", "1", "}", "("] else 3 if seen[:4] == ["^", "-", "1", "("] else 0


def named(grammar: Grammar, name: str) -> Node:
    """A known name, with or without a backslash: a constant, a Greek letter or a function."""
    name = name.removeprefix("\\")
    if name in CONSTANT_NAMES:
        return Symbol(CONSTANT_NAMES[name])
    if name in FUNCTIONS and (name not in GREEK or grammar.sees("(", "{")):
        return _function(grammar, FUNCTIONS[name])
    return symbol(grammar, VARIANTS.get(name, name))


def _function(grammar: Grammar, name: str) -> Node:
    """A function with its power, base and argument: `sin^2 x`, `log_2 8`, `gcd(a, b)`."""
    if name == "sqrt":
        return _root(grammar)
    power: Node | None = None
    base: Node | None = None
    for _ in range(2):
        if grammar.accept("^"):
            power = grammar.exponent()
        elif grammar.accept("_"):
            base = grammar.argument()
    arguments = _arguments(grammar)
    if power == _MINUS_ONE and f"a{name}" in FUNCTIONS:
        return Apply(f"a{name}", arguments)
    node = _applied(name, arguments, base)
    return Apply("^", (node, power)) if power is not None else node


def _applied(name: str, arguments: tuple[Node, ...], base: Node | None) -> Node:
    if name == "exp":
        return Apply("^", (Symbol("e"), *arguments))
    if name == "cis":
        return Apply("+", (Apply("cos", arguments), Apply("*", (Symbol("i"), Apply("sin", arguments)))))
    if name in {"log", "ln"}:
        return Apply("log", (*arguments[:1], base) if base is not None else arguments)
    return Apply(name, arguments)


def _arguments(grammar: Grammar) -> tuple[Node, ...]:
    """What a function is applied to: a bracket, or the factors that follow."""
    if grammar.sees("(", "[", r"\{"):
        opener = grammar.next().text
        items, _ = grammar.items()
        grammar.expect(CLOSERS[opener])
        return tuple(items)
    if grammar.accept("-"):
        return (Apply("neg", _arguments(grammar)),)
    factors = [grammar.factor()]
    while grammar.starts_factor() and not _ends_argument(grammar):
        factors.append(grammar.factor())
    while grammar.sees("/") and not any(map(_has_letters, factors)):
        grammar.skip(1)
        factors.append(Apply("inverse", (grammar.factor(),)))
    return (joined("*", factors),)


def _ends_argument(grammar: Grammar) -> bool:
    text = grammar.peek().text
    return text.removeprefix("\\") in FUNCTIONS or text in _ENDS_ARGUMENT


def _has_letters(node: Node) -> bool:
    return any(isinstance(n, Words) or (isinstance(n, Symbol) and n.name != "pi") for n in walk(node))


def _root(grammar: Grammar) -> Node:
    r"""`\sqrt{x}`, `\sqrt[3]{x}`, `sqrt(x)`, `\sqrt x`."""
    degree: Node = Number(Fraction(2))
    if grammar.accept("["):
        degree = grammar.sum()
        grammar.expect("]")
    inside = grammar.group() if grammar.sees("{", "(") else grammar.postfix()
    return Apply("root", (inside, degree))


PRIMARIES: dict[str, Reader] = {
    "number": number,
    "letter": symbol,
    "name": named,
    **{f"\\{name}": named for name in (*FUNCTIONS, *GREEK, *CONSTANT_NAMES)},
    **dict.fromkeys((".", r"\cdots", r"\ldots", r"\dots", r"\dotsb"), dots),
    "text": words,
    "word": words,
}
"""Readers by the kind of token; of names with a backslash by what they say."""
