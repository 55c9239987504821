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
    if ours.words and ours.words == theirs.words and (_is_text(ours.node) or _is_text(theirs.node) or ours.words.isalpha()):
        return Decision("correct", "text", f"both say {_short(ours.words)!r}")
    letters = _CHOICE.match(ours.words), _CHOICE.match(theirs.words)
    if letters[0] and letters[1] and (len(ours.words) > 1 or len(theirs.words) > 1):
        same = letters[0][1] == letters[1][1]
        return Decision("correct" if same else "incorrect", "text", "choices, compared by their letters")
    return None


def _is_text(node: Node | None) -> bool:
    return node is None or isinstance(node, Words)


def _by_value(ours: Answer, theirs: Answer, conventions: Conventions) -> Decision | None:
    if ours.node is None or theirs.node is None:
        return _half_read(ours, theirs)
    said, reason = _same(ours, theirs, conventions)
    if said is None:
        return None
    how = f"{_short(ours.normal)} and {_short(theirs.normal)} {'are equal' if said else 'differ'}, seen by {reason}"
    return Decision("correct" if said else "incorrect", reason, how)


def _half_read(ours: Answer, theirs: Answer) -> Decision | None:
    """A formula that was not understood is left to math-verify; against words it is wrong."""
    if isinstance(ours.node, Words) or isinstance(theirs.node, Words):
        return Decision("incorrect", "text", "one is words, the other a formula")
    return None


def _same(ours: Answer, theirs: Answer, conventions: Conventions) -> tuple[bool | None, str]:
    """Whether two answers are equal under the conventions, and what decided."""
    left, right = ours.node, theirs.node
    assert left is not None  # noqa: S101 -- checked by the caller
    assert right is not None  # noqa: S101 -- checked by the caller
    units = _units(ours.unit, theirs.unit, conventions)
    if units is False:
        return False, "unit"
    if not ours.unit and not theirs.unit:
        left, right = _without_letter_unit(left, right), _without_letter_unit(right, left)
    comparison = Comparison(conventions)
    said = None
    for a in (left, ours.other):
        for b in (right, theirs.other):
            if a is not None and b is not None and (said := _either_percent(comparison, a, b, ours.unit, theirs.unit, conventions)):
                return True, comparison.reason
    if ours.other is not None or theirs.other is not None:
        said = comparison.same(left, right)
    return said, comparison.reason


def _units(ours: str, theirs: str, conventions: Conventions) -> bool | None:
    """Whether units allow the answers to be equal."""
    if conventions.units == "ignored" or ours == theirs:
        return True
    if conventions.units == "required":
        return False
    if "%" in {ours, theirs}:
        return True if not (ours and theirs) else False
    return not (ours and theirs)


def _either_percent(
    comparison: Comparison, left: Node, right: Node, ours: str, theirs: str, conventions: Conventions
) -> bool | None:
    """Equality, where one side is a percentage and the other may be it or a hundredth of it."""
    hundredth = Number(Fraction(1, 100))
    if (ours == "%") == (theirs == "%"):
        return comparison.same(left, right)
    scaled = (Apply("*", (left, hundredth)), right) if ours == "%" else (left, Apply("*", (right, hundredth)))
    if conventions.percent == "strict":
        return comparison.same(*scaled)
    return comparison.same(left, right) or comparison.same(*scaled)


def _without_letter_unit(node: Node, other: Node) -> Node:
    """`5 m` as 5, where the other side has no variable at all."""
    if isinstance(node, Apply) and only_letter_unit(node) and not variables(other) and variables(node) == {_last_name(node)}:
        return Apply("*", node.args[:-1]) if len(node.args) > 2 else node.args[0]  # noqa: PLR2004 -- value and unit
    return node


def _last_name(node: Apply) -> str:
    last = node.args[-1]
    return last.name if isinstance(last, Symbol) else ""


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
