"""The smallest parts of a formula: numbers, symbols, functions with their arguments, LaTeX commands, matrices."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from sparq_sympy.reading.names import CONSTANT_NAMES, FUNCTIONS, GREEK, SETS, VARIANTS
from sparq_sympy.reading.tokens import Cursor, Token, UnsupportedError
from sparq_sympy.tree import matrices
from sparq_sympy.tree.nodes import Apply, Node, Number, Symbol, TooLargeError, Words, walk

LARGEST_EXPONENT = 5_000
"""Of ten, in scientific notation."""
CLOSERS = {
    "(": ")",
    "[": "]",
    "{": "}",
    r"\{": r"\}",
    r"\langle": r"\rangle",
    r"\lfloor": r"\rfloor",
    r"\lceil": r"\rceil",
}
BARS = frozenset({"|", r"\vert", r"\lvert", r"\rvert", r"\|", r"\Vert"})
_ENDS_ARGUMENT = frozenset({r"\cdot", r"\times"})
_MATRICES = frozenset({"matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "array", "smallmatrix"})
_OPAQUE = frozenset("fghFGHP")
"""Letters that are functions where a bracket follows."""
_SUCH_THAT = frozenset({":", "|", r"\mid", r"\vert", r"\colon"})
_MINUS_ONE = Apply("neg", (Number(Fraction(1)),))


class Primaries(Cursor, ABC):
    """Reads primaries; what is inside their brackets is read by the whole grammar."""

    def __init__(self, found: list[Token]) -> None:
        super().__init__(found)
        self._bars = 0

    @abstractmethod
    def items(self) -> tuple[list[Node], str]:
        """Items up to a closing bracket, and how they are joined."""

    @abstractmethod
    def statement(self) -> Node:
        """One item, or a list of several."""

    @abstractmethod
    def sum(self) -> Node:
        """Terms that are added."""

    @abstractmethod
    def term(self) -> Node:
        """Factors that are multiplied."""

    @abstractmethod
    def factor(self) -> Node:
        """A power."""

    @abstractmethod
    def exponent(self) -> Node:
        """What follows `^`."""

    def primary(self) -> Node:
        """One number, symbol, function, command or bracket."""
        token = self.next()
        if token.text in CLOSERS and token.kind != "text":
            return self.brackets(token.text)
        if token.text in BARS:
            return self.absolute()
        if token.kind not in _READERS:
            raise UnsupportedError(f"unexpected {token.text!r}")
        return _READERS[token.kind](self, token.text)

    def postfix(self) -> Node:
        """A primary with its factorial, percent or degree sign."""
        return self.postfixed(self.primary())

    def postfixed(self, node: Node) -> Node:
        """A node with what is written after it."""
        while True:
            if self.accept("!"):
                node = Apply("!!", (node,)) if self.accept("!") else Apply("!", (node,))
            elif self.accept(r"\%", "%"):
                node = Apply("/", (node, Number(Fraction(100))))
            elif self.accept(r"\degree"):
                node = Apply("deg", (node,))
            else:
                return node

    # Numbers and symbols

    def number(self, text: str) -> Node:
        """A number, mixed with the fraction that follows it, or with its base."""
        value = literal(text)
        if self.accept("_"):
            return Apply("base", (Words(text),), self.flat())
        if value.denominator == 1 and (fraction := self._mixed()) is not None:
            return Number(value + fraction)
        if self.peek().kind == "number":
            raise UnsupportedError("two numbers side by side")
        return Number(value)

    def _mixed(self) -> Fraction | None:
        """The fraction of a mixed number, if one follows."""
        before = self._at
        if self.accept(r"\frac"):
            top, bottom = self.argument(), self.argument()
            if isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value:
                return top.value / bottom.value
            self._at = before
            return None
        first, slash, second = (self.peek(i) for i in range(3))
        if first.kind == second.kind == "number" and first.spaced and slash.text == "/":
            above, below = literal(first.text), literal(second.text)
            if 0 < above < below:
                self.skip(3)
                return above / below
        return None

    def symbol(self, name: str) -> Node:
        """A variable with its primes and subscript; `f(x)` for the usual names of functions."""
        plain = name
        while self.accept("'", r"\prime"):
            name += "'"
        if self.sees("^") and self.peek(1).text in {"'", r"\prime"}:
            self.skip(2)
            name += "'"
        if self.accept("_"):
            name += "_" + self.flat()
        if plain in _OPAQUE and self.accept("("):
            items, _ = self.items()
            self.expect(")")
            return Apply("unknown-function", tuple(items), name)
        return Symbol(name)

    def named(self, name: str) -> Node:
        """A known name: a constant, a Greek letter or a function."""
        if name in CONSTANT_NAMES:
            return Symbol(CONSTANT_NAMES[name])
        if name in FUNCTIONS and (name not in GREEK or self.sees("(", "{")):
            return self.function(FUNCTIONS[name])
        return self.symbol(VARIANTS.get(name, name))

    # Functions

    def function(self, name: str) -> Node:
        """A function with its power, base and argument: `sin^2 x`, `log_2 8`, `gcd(a, b)`."""
        if name == "sqrt":
            return self.root()
        power: Node | None = None
        base: Node | None = None
        for _ in range(2):
            if self.accept("^"):
                power = self.exponent()
            elif self.accept("_"):
                base = self.argument()
        arguments = self.arguments()
        if power == _MINUS_ONE and f"a{name}" in FUNCTIONS:
            return Apply(f"a{name}", arguments)
        node = _applied(name, arguments, base)
        return Apply("^", (node, power)) if power is not None else node

    def arguments(self) -> tuple[Node, ...]:
        """What a function is applied to: a bracket, or the factors that follow."""
        if self.sees("(", "[", r"\{"):
            opener = self.next().text
            items, _ = self.items()
            self.expect(CLOSERS[opener])
            return tuple(items)
        if self.accept("-"):
            return (Apply("neg", self.arguments()),)
        factors = [self.factor()]
        while self.starts_factor() and not self._ends_argument():
            factors.append(self.factor())
        while self.sees("/") and not any(map(_has_letters, factors)):
            self.skip(1)
            factors.append(Apply("inverse", (self.factor(),)))
        return (joined("*", factors),)

    def _ends_argument(self) -> bool:
        text = self.peek().text
        return text.removeprefix("\\") in FUNCTIONS or text in _ENDS_ARGUMENT

    def starts_factor(self) -> bool:
        """Whether what stands here is multiplied with what stands before it, without a sign."""
        token = self.peek()
        if token.kind == "letter":
            return not (token.text == "U" and (token.spaced or self.peek(1).text in {"(", "["}))
        if token.kind == "text":
            return token.text.strip(" ,").lower() not in {"and", "or", ""}
        if token.text in BARS:
            return self._bars == 0
        if token.kind == "command":
            return token.text in _STARTS
        return token.kind in {"name", "word"} or token.text in {"(", "[", "{"}

    def root(self) -> Node:
        r"""`\sqrt{x}`, `\sqrt[3]{x}`, `sqrt(x)`, `\sqrt x`."""
        degree: Node = Number(Fraction(2))
        if self.accept("["):
            degree = self.sum()
            self.expect("]")
        inside = self.group() if self.sees("{", "(") else self.postfix()
        return Apply("root", (inside, degree))

    # Brackets

    def group(self) -> Node:
        """What stands between brackets."""
        opener = self.next().text
        node = self.statement()
        self.expect(CLOSERS[opener])
        return node

    def argument(self) -> Node:
        r"""An argument of a command: a group, or a single digit, letter or command, as in `\frac12`."""
        if self.sees("{"):
            return self.group()
        token = self.peek()
        if token.kind != "number":
            return self.primary()
        self.skip(1)
        if len(token.text) > 1:
            self.put_back(Token("number", token.text[1:]))
        return Number(Fraction(token.text[0]))

    def absolute(self) -> Node:
        """`|x|`, after its first bar."""
        self._bars += 1
        inner = self.sum()
        if self.next().text not in BARS:
            raise UnsupportedError("an absolute value is not closed")
        self._bars -= 1
        return Apply("abs", (inner,))

    def brackets(self, opener: str) -> Node:
        """A group, an interval, a tuple, a set; `[1, 2)` closes with the other bracket."""
        if opener in {r"\{", "{"} and self.accept(CLOSERS[opener]):
            return Apply("set", ())
        bars, self._bars = self._bars, 0
        if opener == "{" and self._chooses():
            node: Node = self._choose()
        elif opener == r"\{" and self._builds():
            node = self._built()
        else:
            node = self._enclosed(opener)
        self._bars = bars
        return node

    def _enclosed(self, opener: str) -> Node:
        items, how = self.items()
        closer = self.next().text
        if closer != CLOSERS[opener] and not {opener, closer} <= {"(", ")", "[", "]"}:
            raise UnsupportedError(f"{opener} is closed by {closer or 'nothing'}")
        if opener in {r"\lfloor", r"\lceil"}:
            return Apply("floor" if opener == r"\lfloor" else "ceil", tuple(items))
        if opener == r"\{" or (opener == "{" and len(items) > 1):
            return Apply("set", tuple(items), how)
        if len(items) == 1 and opener != r"\langle":
            return items[0]
        return Apply("brackets", tuple(items), "()" if opener == r"\langle" else opener + closer)

    def _builds(self) -> bool:
        r"""Whether a set is given by a condition: `\{x : x > 2\}`."""
        bare = 1 + 5 * ([self.peek(i).text for i in range(1, 6)] == [r"\in", r"\mathbb", "{", "R", "}"])
        return self.peek().kind == "letter" and self.peek(bare).text in _SUCH_THAT

    def _built(self) -> Node:
        """The condition of a set."""
        while not self.accept(*_SUCH_THAT):
            self.skip(1)
        items, _ = self.items()
        self.expect(r"\}")
        return items[0] if len(items) == 1 else Apply("list", tuple(items), "and")

    def _chooses(self) -> bool:
        depth = ahead = 0
        while depth >= 0 and self.peek(ahead).kind != "end":
            text = self.peek(ahead).text
            depth += {"{": 1, "}": -1}.get(text, 0)
            if text == r"\choose" and not depth:
                return True
            ahead += 1
        return False

    def _choose(self) -> Node:
        r"""`n \choose k}`."""
        top = self.sum()
        self.expect(r"\choose")
        bottom = self.sum()
        self.expect("}")
        return Apply("binomial", (top, bottom))

    # Commands

    def command(self, text: str) -> Node:
        """What a LaTeX command stands for."""
        name = text[1:]
        if name in FUNCTIONS or name in GREEK or name in CONSTANT_NAMES:
            return self.named(name)
        if text not in _COMMANDS:
            raise UnsupportedError(f"unknown command {text}")
        return _COMMANDS[text](self)

    def fraction(self) -> Node:
        r"""`\frac12`; a derivative is not for this grammar."""
        if [self.peek(i).text for i in range(5)] == ["{", "d", "}", "{", "d"]:
            raise UnsupportedError("a derivative")
        return Apply("/", (self.argument(), self.argument()))

    def binomial(self) -> Node:
        r"""`\binom{n}{k}`."""
        return Apply("binomial", (self.argument(), self.argument()))

    def conjugate(self) -> Node:
        r"""`\overline{z}`; over digits after a point it was taken care of before."""
        inside = self.argument()
        return Symbol(f"bar {inside.name}") if isinstance(inside, Symbol) else Apply("conjugate", (inside,))

    def decorated(self) -> Node:
        r"""`\hat{x}`, another variable than x."""
        mark = self._tokens[self._at - 1].text.strip("\\")
        inside = self.argument()
        return Symbol(f"{mark} {inside.name}") if isinstance(inside, Symbol) else inside

    def empty(self) -> Node:
        r"""`\emptyset`."""
        return Apply("set", ())

    def number_set(self) -> Node:
        r"""`\mathbb{R}`."""
        name = self.flat()
        if name not in SETS:
            raise UnsupportedError(f"unknown set {name}")
        return Symbol(SETS[name])

    def figure(self) -> Node:
        r"""`\angle ABC`, a name."""
        name = self._tokens[self._at - 1].text.strip("\\")
        while self.peek().kind in {"letter", "word"}:
            name += self.next().text
        return Symbol(name)

    def matrix(self) -> Node:
        r"""`\begin{pmatrix} … \end{pmatrix}`; a determinant between bars."""
        name = self.flat()
        if name not in _MATRICES:
            raise UnsupportedError(f"unknown environment {name}")
        if name == "array" and self.sees("{"):
            self.flat()
        cells: list[list[Node]] = [[]]
        while not self.accept(r"\end"):
            if self.accept(r"\\"):
                cells.append([])
            elif not self.accept("&", r"\hline"):
                cells[-1].append(self.sum())
        self.flat()
        cells = [row for row in cells if row]
        if name != "vmatrix":
            return matrices.from_rows(cells)
        if (determinant := matrices.determinant(cells)) is None:
            raise UnsupportedError("a determinant that is not square")
        return determinant

    def series(self) -> Node:
        r"""`\sum_{k=1}^{n} term`."""
        name = self._tokens[self._at - 1].text.strip("\\")
        self.expect("_")
        start = self.group()
        self.expect("^")
        end = self.exponent()
        if not (isinstance(start, Apply) and start.data == "=" and isinstance(start.args[0], Symbol)):
            raise UnsupportedError("a series without a range")
        return Apply(name, (start.args[0], start.args[1], end, self.term()))


_READERS: dict[str, Callable[[Primaries, str], Node]] = {
    "number": Primaries.number,
    "letter": Primaries.symbol,
    "name": Primaries.named,
    "command": Primaries.command,
    "text": lambda _, text: Words(text.strip().lower()),
    "word": lambda _, text: Words(text.lower()),
}
_COMMANDS: dict[str, Callable[[Primaries], Node]] = {
    r"\frac": Primaries.fraction,
    **dict.fromkeys((r"\binom", r"\dbinom", r"\tbinom"), Primaries.binomial),
    **dict.fromkeys((r"\overline", r"\bar"), Primaries.conjugate),
    **dict.fromkeys((r"\hat", r"\tilde", r"\widehat", r"\widetilde"), Primaries.decorated),
    **dict.fromkeys((r"\vec", r"\overrightarrow"), Primaries.argument),
    **dict.fromkeys((r"\underline", r"\mathbf", r"\boldsymbol", r"\mathcal", r"\bm"), Primaries.argument),
    **dict.fromkeys((r"\emptyset", r"\varnothing"), Primaries.empty),
    r"\mathbb": Primaries.number_set,
    **dict.fromkeys((r"\angle", r"\triangle", r"\measuredangle"), Primaries.figure),
    r"\begin": Primaries.matrix,
    **dict.fromkeys((r"\sum", r"\prod"), Primaries.series),
}
_STARTS = frozenset(
    {
        *_COMMANDS,
        *(f"\\{name}" for name in (*FUNCTIONS, *GREEK, *CONSTANT_NAMES)),
        r"\{",
        r"\langle",
        r"\lfloor",
        r"\lceil",
    }
)


def literal(text: str) -> Fraction:
    """A number as it is written; TooLargeError where its exponent is out of bounds."""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent[:8])) > LARGEST_EXPONENT:
        raise TooLargeError
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def joined(op: str, args: list[Node]) -> Node:
    """An operation on several nodes; one alone is itself."""
    return Apply(op, tuple(args)) if len(args) > 1 else args[0]


def _applied(name: str, arguments: tuple[Node, ...], base: Node | None) -> Node:
    if name == "exp":
        return Apply("^", (Symbol("e"), *arguments))
    if name in {"log", "ln"}:
        return Apply("log", (*arguments[:1], base) if base is not None else arguments)
    return Apply(name, arguments)


def _has_letters(node: Node) -> bool:
    return any(isinstance(n, Words) or (isinstance(n, Symbol) and n.name != "pi") for n in walk(node))
