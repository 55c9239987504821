"""Is this answer right? Decided in the order of cost, with a reason; what is not decided here goes to math-verify."""

import re
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from sparq_sympy.answer import Answer, only_letter_unit, read
from sparq_sympy.compare import Comparison, Conventions
from sparq_sympy.exact import TooLargeError
from sparq_sympy.syntax import Apply, Node, Number, Symbol, Words, variables

VERSION = "1"
"""Of the checker: a verdict may change with it."""

Value = Literal["correct", "incorrect", "unknown"]
_CHOICE = re.compile(r"^\(?\s*([a-z])\s*(?:[).:].*)?$")


class Decision(Struct, frozen=True):
    """
    A verdict on one answer.

    `reason` says what decided (`same`, `text`, `structure`, `unit`, `number`, `points`, `sympy`) or why nothing did
    (`too-long`, `too-deep`, `too-large`, `control`, `timeout`, `memory`, `crash`, `unparsed`); `how` is a sentence.
    """

    value: Value
    reason: str
    how: str


def decide(gold: str, answer: str, conventions: Conventions) -> Decision | None:
    """The verdict, or None where it takes math-verify. Takes milliseconds at most, whatever the texts hold."""
    if gold.strip() == answer.strip():
        return Decision("correct", "same", "the texts are the same")
    ours, theirs = read(gold), read(answer)
    if ours.normal == theirs.normal and ours.normal:
        return Decision("correct", "same", f"both read {_short(ours.normal)}")
    for side, what in ((ours, "the reference"), (theirs, "the answer")):
        if side.refused and not side.refused.startswith("unparsed"):
            return Decision("unknown", side.refused, f"{what} is {side.refused.replace('-', ' ')}")
    if (said := _as_text(ours, theirs)) is not None:
        return said
    try:
        return _by_value(ours, theirs, conventions)
    except TooLargeError:
        return Decision("unknown", "too-large", "a number on the way is too large to compute")


def _as_text(ours: Answer, theirs: Answer) -> Decision | None:
    """The verdict where an answer is words or the letter of a choice."""
    if (
        ours.words
        and ours.words == theirs.words
        and (_is_text(ours.node) or _is_text(theirs.node) or ours.words.isalpha())
    ):
        return Decision("correct", "text", f"both say {_short(ours.words)!r}")
    letters = _CHOICE.match(ours.words), _CHOICE.match(theirs.words)
    if letters[0] and letters[1] and (len(ours.words) > 1 or len(theirs.words) > 1):
        same = letters[0][1] == letters[1][1]
        return Decision("correct" if same else "incorrect", "text", "choices, compared by their letters")
    return None


def _is_text(node: Node | None) -> bool:
    return node is None or isinstance(node, Words)


def _by_value(ours: Answer, theirs: Answer, conventions: Conventions) -> Decision | None:
    left, right = ours.node, theirs.node
    if left is None or right is None:
        return _half_read(left, right)
    units = _units(ours.unit, theirs.unit, conventions)
    said, reason = _same(ours, theirs, left, right, conventions) if units else (False, "unit")
    if said is None:
        return None
    how = f"{_short(ours.normal)} and {_short(theirs.normal)} {'are equal' if said else 'differ'}, seen by {reason}"
    return Decision("correct" if said else "incorrect", reason, how)


def _half_read(left: Node | None, right: Node | None) -> Decision | None:
    """A formula that was not understood is left to math-verify; against words it is wrong."""
    if isinstance(left, Words) or isinstance(right, Words):
        return Decision("incorrect", "text", "one is words, the other a formula")
    return None


def _same(ours: Answer, theirs: Answer, left: Node, right: Node, conventions: Conventions) -> tuple[bool | None, str]:
    """Whether two trees are equal, in any reading of `1,234` and of `%`, and what decided."""
    if not ours.unit and not theirs.unit:
        left, right = _without_letter_unit(left, right), _without_letter_unit(right, left)
    said: list[bool | None] = []
    comparison = Comparison(conventions)
    for a in (left, ours.other):
        for b in (right, theirs.other):
            if a is not None and b is not None:
                comparison = Comparison(conventions)
                said.append(_either_percent(comparison, a, b, (ours.unit, theirs.unit)))
                if said[-1]:
                    return True, comparison.reason
    return (None if None in said else False), comparison.reason


def _units(ours: str, theirs: str, conventions: Conventions) -> bool:
    """Whether units allow the answers to be equal."""
    if conventions.units == "ignored" or ours == theirs:
        return True
    return conventions.units == "optional" and not (ours and theirs)


def _either_percent(comparison: Comparison, left: Node, right: Node, units: tuple[str, str]) -> bool | None:
    """Equality, where one side is a percentage and the other may be it or a hundredth of it."""
    if (units[0] == "%") == (units[1] == "%"):
        return comparison.same(left, right)
    hundredth = Number(Fraction(1, 100))
    scaled = (Apply("*", (left, hundredth)), right) if units[0] == "%" else (left, Apply("*", (right, hundredth)))
    if comparison.conventions.percent == "strict":
        return comparison.same(*scaled)
    return comparison.same(left, right) or comparison.same(*scaled)


def _without_letter_unit(node: Node, other: Node) -> Node:
    """`5 m` as 5, where the other side has no variable at all."""
    if (
        isinstance(node, Apply)
        and only_letter_unit(node)
        and not variables(other)
        and variables(node) == {_last_name(node)}
    ):
        return Apply("*", node.args[:-1]) if len(node.args) > 2 else node.args[0]
    return node


def _last_name(node: Apply) -> str:
    last = node.args[-1]
    return last.name if isinstance(last, Symbol) else ""


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
