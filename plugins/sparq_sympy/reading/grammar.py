"""
The grammar of answers, from lists down to powers, by recursive descent over tokens.

How the smallest parts are read, numbers, names, brackets and commands, it is told by a table.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction

from sparq_sympy.reading.names import BARS, CLOSERS, RELATIONS
from sparq_sympy.reading.tokens import Cursor, Token, UnsupportedError
from sparq_sympy.tree.nodes import ANYTHING, DOTS, Apply, Node, Number, Symbol, TooLargeError, variables, walk

LARGEST_EXPONENT = 5_000
"""Of ten, in scientific notation."""
_DOTS = (r"\ldots", r"\dots", r"\cdots", r"\dotsc")
_SETS = {r"\cup": "union", "U": "union", r"\cap": "intersection", r"\setminus": "minus", r"\backslash": "minus"}
_LOGIC = {r"\lor": "or", r"\vee": "or", r"\land": "and", r"\wedge": "and"}
_JOINED = {**dict(zip(_LOGIC, _LOGIC, strict=True)), "and": "and", "or": "or"}
_TERM_SIGNS = {"+": "", "-": "neg", r"\pm": "pm", r"\mp": "mp"}
_DEGREE, _MARKS = r"\circ", frozenset({r"\circ", r"\prime", r"\top"})
_BY_TEXT = frozenset({"sign", "command"})
"""Kinds of token of which the text says how to go on."""

Reader = Callable[["Grammar", str], Node]
"""Reads what begins with the token that was just passed, whose text it is given."""


class Grammar(Cursor):
    """
    A place among tokens, and what may be read from there.

    `primaries` read the smallest parts: those of a sign or command are found by its text, the others by the kind of token.
    """

    def __init__(self, found: list[Token], primaries: Mapping[str, Reader]) -> None:
        super().__init__(found)
        self._primaries = primaries
        self.bars = 0
        """Absolute values that are open here."""

    def of(self, found: list[Token]) -> "Grammar":
        """A grammar like this one at the first of other tokens."""
        return Grammar(found, self._primaries)

    # Lists, relations, sets

    def statement(self) -> Node:
        items, how = self.items()
        return items[0] if len(items) == 1 else Apply("list", tuple(items), how)

    def items(self) -> tuple[list[Node], str]:
        """Items between separators, and how they are joined: `dots` if those stand for some, else the last `and` or `or`."""
        found: list[Node] = []
        how = ""
        while not self._at_end():
            if self._stands_alone() and self._dots():
                found.append(DOTS)
                how = "dots"
            else:
                found.append(self.relation())
            separator = self._separator()
            if separator is None and not self._at_end():
                break
            how = how if how == "dots" else separator or how
        found = with_modulus(found)
        if not found:
            raise UnsupportedError("nothing there")
        if how in _LOGIC and not all(isinstance(item, Apply) and item.op == "relation" for item in found):
            raise UnsupportedError("a formula of logic")
        how = _LOGIC.get(how, how)
        return found, how

    def _at_end(self) -> bool:
        return self.peek().kind == "end" or self.sees(*CLOSERS.values())

    def _stands_alone(self) -> bool:
        """Whether dots that stand here are an item of their own, and no term of a sum."""
        after = self.peek(3 if self.peek().text == "." else 1)
        return after.text not in {*_TERM_SIGNS, "*", r"\cdot"}

    def _dots(self) -> bool:
        if all(self.peek(i).text == "." for i in range(3)):
            self.skip(3)
            return True
        return self.accept(*_DOTS)

    def _separator(self) -> str | None:
        """`and`, `or` or nothing, of the separators that follow; None without any."""
        found: str | None = None
        while True:
            token = self.peek()
            word = token.text.strip(" ,").lower() if token.kind == "text" else token.text
            if self.sees(",", ";") or (token.kind == "text" and not word):
                found = found or ""
            elif word in _JOINED and token.kind in {"text", "command"}:
                found = _JOINED[word]
            else:
                return found
            self.skip(1)

    def relation(self) -> Node:
        """`a < b ≤ c`, or a side alone; of a value and its approximation, the value."""
        signs: list[str] = []
        sides = [Symbol(ANYTHING) if self.peek().text in RELATIONS and self.peek().kind != "text" else self.side()]
        while (sign := self._relation_sign()) is not None:
            signs.append(sign)
            sides.append(self.side())
        if self.accept(r"\pmod"):
            return congruence(sides, self._modulus())
        if "equiv" in signs and isinstance(last := sides[-1], Apply) and last.op == "mod":
            return congruence([*sides[:-1], last.args[0]], last.args[1])
        signs = ["=" if sign == "equiv" and _op(sides[0]) == "unknown-function" else sign for sign in signs]
        if signs[-1:] == ["approx"] and (len(signs) > 1 or _is_value(sides[0])):
            del signs[-1], sides[-1]
        return Apply("relation", tuple(sides), " ".join(signs).replace("approx", "=")) if signs else sides[0]

    def _relation_sign(self) -> str | None:
        if self.accept(r"\not"):
            return "!=" if self._relation_sign() == "=" else "not"
        token = self.peek()
        if token.kind in _BY_TEXT and token.text in RELATIONS:
            self.skip(1)
            return RELATIONS[token.text]
        return None

    def _modulus(self) -> Node:
        r"""What a congruence is modulo: `\pmod{5}`, and `\pmod 12`, which nobody means as 1."""
        return self.primary() if self.peek().kind == "number" else self.argument()

    def side(self) -> Node:
        """Ratios of unions of sums."""
        parts = [self.union()]
        while self.accept(":"):
            parts.append(DOTS if self._dots() else self.union())
        return joined("ratio", parts)

    def union(self) -> Node:
        """Unions, intersections and differences of sets."""
        node = self.sum()
        while self.sees(*_SETS):
            node = Apply(_SETS[self.next().text], (node, self.sum()))
        return node

    # Arithmetic

    def sum(self) -> Node:
        terms = [self._signed()]
        while self.sees(*_TERM_SIGNS):
            op = _TERM_SIGNS[self.next().text]
            term = self._signed()
            terms.append(Apply(op, (term,)) if op else term)
        return joined("+", terms)

    def _signed(self) -> Node:
        if self.sees(*_TERM_SIGNS):
            op = _TERM_SIGNS[self.next().text]
            return Apply(op, (self._signed(),)) if op else self._signed()
        return self.term()

    def term(self) -> Node:
        factors = [self.factor()]
        while True:
            if self.accept("*", r"\cdot", r"\times", r"\ast"):
                factors.append(self._signed_factor())
            elif self.accept("/", r"\div"):
                factors.append(Apply("inverse", (self._signed_factor(),)))
            elif self.accept(r"\bmod", r"\mod"):
                factors = [Apply("mod", (joined("*", factors), self._signed_factor()))]
            elif self.starts_factor() or (self.peek().kind == "number" and _op(factors[-1]) == "!"):
                factors.append(self.factor())
            else:
                return joined("*", factors)

    def _signed_factor(self) -> Node:
        if self.accept("-"):
            return Apply("neg", (self._signed_factor(),))
        self.accept("+")
        return self.factor()

    def factor(self) -> Node:
        r"""A power; `x^2_1` is x₁ squared, `30^\\circ` thirty degrees."""
        base = self.postfix()
        if not self.accept("^", "**"):
            return base
        if (mark := self._mark()) is not None:
            return self._after(Apply("deg" if mark == _DEGREE else "mark", (base,), mark))
        exponent = self.exponent()
        if isinstance(base, Symbol) and self.accept("_"):
            base = Symbol(f"{base.name}_{self.flat()}")
        return self._after(Apply("^", (base, exponent)))

    def _mark(self) -> str | None:
        """A degree sign or another mark in place of an exponent."""
        if self.sees(*_MARKS):
            return self.next().text
        if self.sees("{") and self.peek(1).text in _MARKS and self.peek(2).text == "}":
            mark = self.peek(1).text
            self.skip(3)
            return mark
        return None

    def _after(self, node: Node) -> Node:
        """What may follow a power: a factorial, or a second exponent."""
        node = self.postfixed(node)
        return Apply("^", (node, self.exponent())) if self.accept("^", "**") else node

    def exponent(self) -> Node:
        if self.sees("-", "+"):
            return Apply("neg", (self.exponent(),)) if self.next().text == "-" else self.exponent()
        if self.peek().kind == "number":
            node: Node = self.postfixed(Number(literal(self.next().text)))
        else:
            node = self.group() if self.sees("{") else self.postfix()
        return Apply("^", (node, self.exponent())) if self.accept("^", "**") else node

    # The smallest parts, and what stands around them

    def primary(self) -> Node:
        """One number, symbol, function, command or bracket."""
        token = self.next()
        by_text = token.kind in _BY_TEXT or token.text in BARS
        reader = self._primaries.get(token.text if by_text else token.kind)
        if reader is None:
            raise UnsupportedError(
                f"unknown command {token.text}" if token.kind == "command" else f"unexpected {token.text!r}"
            )
        return reader(self, token.text)

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

    def starts_factor(self) -> bool:
        """Whether what stands here is multiplied with what stands before it, without a sign."""
        token = self.peek()
        if token.kind == "letter":
            return not (token.text == "U" and (token.spaced or self.peek(1).text in {"(", "["}))
        if token.kind == "text":
            return token.text.strip(" ,").lower() not in {"and", "or", ""}
        if token.text in BARS:
            return self.bars == 0
        return token.kind in {"name", "word"} or (token.kind in _BY_TEXT and token.text in self._primaries)

    def group(self) -> Node:
        """What stands between brackets."""
        opener = self.next().text
        if opener not in CLOSERS:
            raise UnsupportedError(f"{opener or 'the end'} opens no group")
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


def congruence(sides: list[Node], modulus: Node) -> Node:
    """`x ≡ 3 (mod 5)`; without its left side it speaks of anything."""
    subject = sides[0] if len(sides) > 1 else Symbol(ANYTHING)
    return Apply("congruence", (subject, sides[-1], modulus))


def with_modulus(items: list[Node]) -> list[Node]:
    """`x ≡ 1, 3 (mod 8)`: the modulus and the left side, written once, are those of all."""
    last = items[-1] if items else None
    if len(items) < 2 or not isinstance(last, Apply) or last.op != "congruence" or "congruence" in map(_op, items[:-1]):
        return items
    first = items[0]
    subject = first.args[0] if _op(first) == "relation" and isinstance(first, Apply) else last.args[0]
    residues = [item.args[-1] if _op(item) == "relation" and isinstance(item, Apply) else item for item in items[:-1]]
    return [Apply("congruence", (subject, residue, last.args[2])) for residue in (*residues, last.args[1])]


def _op(node: Node) -> str:
    return node.op if isinstance(node, Apply) else ""


def _is_value(node: Node) -> bool:
    """Whether it has a number in it, or no variable."""
    return any(isinstance(n, Number) for n in walk(node)) or not variables(node)


def literal(text: str) -> Fraction:
    """A number as it is written; TooLargeError where its exponent is out of bounds."""
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent[:8])) > LARGEST_EXPONENT:
        raise TooLargeError
    return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)


def joined(op: str, args: list[Node]) -> Node:
    """An operation on several nodes; one alone is itself."""
    return Apply(op, tuple(args)) if len(args) > 1 else args[0]
