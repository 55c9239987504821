"""Is this answer right? Decided in the order of cost, with a reason; what is not decided here goes to math-verify."""

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

from msgspec import Struct

from sparq_sympy.equality import measures, points
from sparq_sympy.equality.compare import Comparison, Conventions
from sparq_sympy.reading import subjects, units
from sparq_sympy.reading.answer import Answer, read
from sparq_sympy.tree.nodes import SETS, Apply, Node, Number, Symbol, TooLargeError, Words, substituted, variables
from sparq_sympy.tree.scales import conversion

VERSION = "3"
"""Of the checker: a verdict may change with it."""

_HYPHEN = re.compile(r"(?<=[a-z]{2})-(?=[a-z]{2})")

Value = Literal["correct", "incorrect", "unknown"]


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
    if not gold.strip():
        return Decision("unknown", "no-reference", "there is no reference to compare with")
    if not answer.strip():
        return Decision("incorrect", "no-answer", "the answer is empty")
    return _by_text(gold, answer, conventions)


def _by_text(gold: str, answer: str, conventions: Conventions) -> Decision | None:
    if gold.strip() == answer.strip():
        return Decision("correct", "same", "the texts are the same")
    ours, theirs = read(gold), read(answer)
    said = _at_odds(ours, theirs) or _alike(ours, theirs) or _refused(ours, theirs) or _as_text(ours, theirs)
    if said is not None:
        return said
    for side, other, text in ((ours, theirs, answer), (theirs, ours, gold)):
        if side.choice[1] and not other.choice[0]:
            return decide(side.choice[1], text, conventions)
    try:
        return _by_value(ours, theirs, conventions)
    except TooLargeError:
        return Decision("unknown", "too-large", "a number on the way is too large to compute")


def _at_odds(ours: Answer, theirs: Answer) -> Decision | None:
    """The verdict where the words or the approximation beside a value deny it."""
    if subjects.are_told_apart(ours.said_of, theirs.said_of):
        return Decision(
            "incorrect", "text", f"one is about the {_said_of(ours)}, the other about the {_said_of(theirs)}"
        )
    for near in (ours.near, theirs.near):
        if near is not None and points.rounds(*near) is False:
            return Decision("incorrect", "number", "a value and its approximation differ")
    return None


def _alike(ours: Answer, theirs: Answer) -> Decision | None:
    """The verdict where both are one text but for their spelling."""
    if not ours.normal or ours.normal != theirs.normal:
        return None
    return Decision("correct", "same", f"both read {_short(ours.normal)}")


def _said_of(answer: Answer) -> str:
    return " and ".join(sorted(answer.said_of))


def _refused(ours: Answer, theirs: Answer) -> Decision | None:
    """The verdict where an answer was not parsed, for its size."""
    for side, what in ((ours, "the reference"), (theirs, "the answer")):
        if side.refused and not side.refused.startswith("unparsed"):
            return Decision("unknown", side.refused, f"{what} is {side.refused.replace('-', ' ')}")
    return None


def _as_text(ours: Answer, theirs: Answer) -> Decision | None:
    """The verdict where an answer is words or the letter of a choice."""
    words = isinstance(ours.node, Words) or isinstance(theirs.node, Words)
    if ours.words and _spelt(ours.words) & _spelt(theirs.words) and (words or _is_word(ours.words)):
        return Decision("correct", "text", f"both say {_short(ours.words)!r}")
    (letter, rest), (other, other_rest) = ours.choice, theirs.choice
    text = words or ours.node is None or theirs.node is None
    if letter and other and (text or rest is not None or other_rest is not None):
        return Decision("correct" if letter == other else "incorrect", "text", "choices, compared by their letters")
    return None


def _spelt(words: str) -> set[str]:
    """Words as they are spelt with hyphens, without, and with spaces."""
    return {words, _HYPHEN.sub("", words), _HYPHEN.sub(" ", words)}


def _is_word(words: str) -> bool:
    """Whether it is a word, or several with one among them that is no product of letters."""
    return words.replace(" ", "").isalpha() and any(len(word) > 2 for word in words.split())


def _by_value(ours: Answer, theirs: Answer, conventions: Conventions) -> Decision | None:
    if ours.node is None or theirs.node is None:
        return _half_read(ours.node, theirs.node)
    theirs = _with_our_parameter(ours, theirs)
    if _conditions_differ(ours, theirs, conventions):
        return Decision("incorrect", "structure", "they are to hold under different conditions")
    (left, our_unit), (right, their_unit) = (
        _measured(ours, theirs, conventions),
        _measured(theirs, ours, conventions),
    )
    factor = conversion(our_unit, their_unit) if our_unit != their_unit and conventions.units != "ignored" else None
    if factor is not None:
        said, reason = _same([(_scaled(left, factor), right)], (their_unit, their_unit), conventions)
        reason = reason if said else "unit"
    elif _units(our_unit, their_unit, conventions):
        readings = [
            (a, b) for a in (left, ours.other) for b in (right, theirs.other) if a is not None and b is not None
        ]
        said, reason = _same(readings, (our_unit, their_unit), conventions)
    else:
        said, reason = False, "unit"
    if said is None:
        return None
    how = f"{_short(ours.normal)} and {_short(theirs.normal)} {'are equal' if said else 'differ'}, seen by {reason}"
    return Decision("correct" if said else "incorrect", reason, how)


def _scaled(node: Node, factor: Node) -> Node:
    """A value in another unit; also each of several, and what a variable is said to be."""
    if isinstance(node, Apply) and node.op in {"list", "set", "brackets"}:
        return Apply(node.op, tuple(_scaled(arg, factor) for arg in node.args), node.data)
    if isinstance(node, Apply) and node.op == "relation":
        *names, value = node.args
        if all(variables(name) or isinstance(name, Words) for name in names):
            return Apply(node.op, (*names, _scaled(value, factor)), node.data)
        return Apply(node.op, tuple(arg if variables(arg) else _scaled(arg, factor) for arg in node.args), node.data)
    return Apply("*", (node, factor))


def _with_our_parameter(ours: Answer, theirs: Answer) -> Answer:
    """Their answer with our name for its parameter: of `2^k, k ≥ 0` and `2^m, m ≥ 0` only the names differ."""
    mine, other = _parameter(ours), _parameter(theirs)
    if not mine or not other or mine in _names(theirs) or other in _names(ours):
        return theirs
    name: dict[str, Node] = {other: Symbol(mine)}
    value, given = (None if node is None else substituted(node, name) for node in (theirs.node, theirs.condition))
    return replace(theirs, node=value, condition=given)


def _parameter(answer: Answer) -> str:
    """The only variable of a condition, if the value has it, too."""
    names = variables(answer.condition) - SETS if answer.condition is not None else set()
    return names.pop() if len(names) == 1 and names <= _names(answer) else ""


def _names(answer: Answer) -> set[str]:
    return variables(answer.node) if answer.node is not None else set()


def _conditions_differ(ours: Answer, theirs: Answer, conventions: Conventions) -> bool:
    """Whether both say when their value holds, and not the same."""
    left, right = ours.condition, theirs.condition
    if left is None or right is None:
        return False
    return Comparison(conventions).same(left, right) is False


def _half_read(left: Node | None, right: Node | None) -> Decision | None:
    """A formula that was not understood is left to math-verify; against words it is wrong."""
    if isinstance(left, Words) or isinstance(right, Words):
        return Decision("incorrect", "text", "one is words, the other a formula")
    return None


def _same(
    readings: Sequence[tuple[Node, Node]], units_of: tuple[str, str], conventions: Conventions
) -> tuple[bool | None, str]:
    """Whether two trees are equal, in any reading of `1,234` and of `%`, and what decided."""
    said: list[bool | None] = []
    reasons: list[str] = []
    for left, right in readings:
        comparison = Comparison(conventions)
        said.append(_either_percent(comparison, left, right, units_of))
        reasons.append(comparison.reason)
        if said[-1]:
            return True, reasons[-1]
    return (None if None in said else False), reasons[0]


def _units(ours: str, theirs: str, conventions: Conventions) -> bool:
    """Whether units allow the answers to be equal."""
    if conventions.units == "ignored" or measures.same_unit(ours, theirs):
        return True
    return conventions.units == "optional" and not (ours and theirs)


def _either_percent(comparison: Comparison, left: Node, right: Node, units_of: tuple[str, str]) -> bool | None:
    """Equality, where one side is a percentage and the other may be it or a hundredth of it."""
    ours, theirs = (unit.startswith("%") for unit in units_of)
    if ours == theirs:
        return comparison.same(left, right)
    hundredth = Number(Fraction(1, 100))
    scaled = (_scaled(left, hundredth), right) if ours else (left, _scaled(right, hundredth))
    if comparison.conventions.percent == "strict":
        return comparison.same(*scaled)
    return comparison.same(left, right) or comparison.same(*scaled)


def _measured(answer: Answer, other: Answer, conventions: Conventions) -> tuple[Node, str]:
    """The value of an answer and its unit; it may be a letter, as in `5 m`, if else neither side has a variable."""
    assert answer.node is not None  # noqa: S101 -- the caller has looked
    assert other.node is not None  # noqa: S101 -- the caller has looked
    if (last := measures.last_of_chain(answer.node, Comparison(conventions).same)) is not None:
        return last
    if (named := measures.of_name(answer.node)) is not None:
        return named
    rest, unit = _letter_off(answer.node)
    theirs, _ = _letter_off(other.node)
    if answer.unit or not unit or variables(_right(theirs)):
        return answer.node, answer.unit
    return rest, unit


def _letter_off(node: Node) -> tuple[Node, str]:
    """A product without its last factor, if that is a letter that is a unit, and its only variable; so in `h = 5 m`."""
    product = _right(node)
    if not isinstance(product, Apply) or product.op != "*":
        return node, ""
    last, power = _powered(product.args[-1])
    if not isinstance(last, Symbol) or last.name not in units.LETTERS or variables(product) != {last.name}:
        return node, ""
    rest = Apply("*", product.args[:-1]) if len(product.args) > 2 else product.args[0]
    whole = (
        Apply("relation", (*node.args[:-1], rest), node.data)
        if product is not node and isinstance(node, Apply)
        else rest
    )
    return whole, units.LETTERS[last.name] + power


def _powered(node: Node) -> tuple[Node, str]:
    """A letter and its power, as units have it: `m^2`."""
    if (
        isinstance(node, Apply)
        and node.op == "^"
        and isinstance(exponent := node.args[1], Number)
        and exponent.value in {2, 3}
    ):
        return node.args[0], f"^{exponent.value}"
    return node, ""


def _right(node: Node) -> Node:
    """The right-hand side of an equation; anything else as it is."""
    return node.args[-1] if isinstance(node, Apply) and node.op == "relation" and node.data == "=" else node


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
