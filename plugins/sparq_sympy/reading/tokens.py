"""An answer's text as tokens, and a cursor over them."""

import re
from typing import NamedTuple

from sparq_sympy.reading.names import KNOWN


class UnsupportedError(Exception):
    """The text is not in the grammar."""


class Token(NamedTuple):
    """A piece of text: `number`, `command`, `letter`, `name`, `word`, `text`, `sign` or `end`."""

    kind: str
    text: str
    spaced: bool = False


END = Token("end", "")
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<text>\\text\{[^{}]*\})|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+(?![A-Za-z]))?)"
    r"|(?P<command>\\(?:[A-Za-z]+|.))|(?P<letters>[A-Za-z]+)|(?P<sign>\*\*|<=|>=|!=|==|.)",
    re.DOTALL,
)
_NAMES = re.compile("|".join(sorted((n for n in KNOWN if len(n) > 1), key=len, reverse=True)))
_LONGEST_PRODUCT = 3
"""Letters without a known name among them that are read as a product; more are a word."""


def tokens(text: str) -> list[Token]:
    """The tokens of a text; a run of letters becomes names of functions and constants, letters, or a word."""
    found: list[Token] = []
    spaced = False
    for match in _TOKEN.finditer(text):
        kind, piece = str(match.lastgroup), match[0]
        if kind == "space":
            spaced = True
            continue
        if kind == "letters":
            found += _letters(piece, spaced=spaced)
        elif kind == "text":
            found.append(Token("text", " ".join(piece[6:-1].split()), spaced))
        else:
            found.append(Token(kind, piece, spaced))
        spaced = False
    return found


def _letters(run: str, *, spaced: bool) -> list[Token]:
    if run in {"and", "or"}:
        return [Token("text", run, spaced)]
    rest = _NAMES.split(run)
    if any(len(part) > _LONGEST_PRODUCT for part in rest):
        return [Token("word", run, spaced)]
    found: list[Token] = []
    for part, name in zip(rest, [*_NAMES.findall(run), ""], strict=True):
        found += [Token("letter", letter) for letter in part]
        found += [Token("name", name)] * bool(name)
    return [found[0]._replace(spaced=spaced), *found[1:]]


class Cursor:
    """A place among tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self.at = 0

    def peek(self, ahead: int = 0) -> Token:
        """A token from here on; `END` beyond the last."""
        at = self.at + ahead
        return self._tokens[at] if at < len(self._tokens) else END

    def next(self) -> Token:
        """The token here, passed."""
        token = self.peek()
        self.at += 1
        return token

    def skip(self, count: int) -> None:
        """Pass tokens that were looked at."""
        self.at += count

    def put_back(self, token: Token) -> None:
        """Put a token in place of the one that was just passed."""
        self.at -= 1
        self._tokens[self.at] = token

    def sees(self, *texts: str) -> bool:
        """Whether the token here is one of these signs or commands."""
        token = self.peek()
        return token.kind not in {"text", "end"} and token.text in texts

    def accept(self, *texts: str) -> bool:
        """Pass the token here if it is one of these signs or commands."""
        if self.sees(*texts):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Pass this sign or command; UnsupportedError where there is another."""
        if not self.accept(text):
            raise UnsupportedError(f"expected {text!r}, found {self.peek().text!r}")

    def flat(self) -> str:
        """The text of a subscript or of another argument that is a name."""
        if not self.accept("{"):
            return self.next().text.strip("\\")
        parts: list[str] = []
        depth = 1
        while True:
            token = self.next()
            if token.kind == "end":
                raise UnsupportedError("a subscript is not closed")
            depth += {"{": 1, "}": -1}.get(token.text, 0)
            if not depth:
                return "".join(parts).strip("\\")
            parts.append(token.text)
