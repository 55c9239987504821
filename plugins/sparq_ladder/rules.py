"""
The rules of the number games: what a statement asks, and its true answer.

    >>> solve("Start with 35. Triple it. Add 30. What comes out?")
    135
    >>> solve("Start with 35. Halve it. What comes out?")  # None: 35 is odd

Any text can be asked about, also what a model wrote.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sparq_ladder.skills import MOVES, OPENINGS, PARTS, PLAIN, QUESTIONS, Skill

LONGEST = 6
"""Digits a number may have."""


class Step(NamedTuple):
    """A skill, and the numbers its wording names."""

    skill: Skill
    operands: Mapping[str, int]


class Game(NamedTuple):
    """What a statement asks: a number or an opening that gives one, then moves."""

    start: int | None
    steps: tuple[Step, ...]


def solve(statement: str) -> int | None:
    """
    The true answer of a statement, or None where it has none.

    It has none where it is no number game, sentence by sentence, or where a step leaves the whole numbers from 0 to 999,999.
    """
    game = read(statement)
    return None if game is None else answer(game)


def read(statement: str) -> Game | None:
    """The game that a statement tells, or None where a sentence is none of the world's, or not in its place."""
    first, *others = re.findall(r"[^.?]+[.?]|[^.?]+$", statement.strip()) or [""]
    *middle, question = [sentence.strip() for sentence in others] or [""]
    opening = _opening(first)
    moves = [_match(sentence, _MOVES) for sentence in middle]
    if opening is None or question not in QUESTIONS or not all(moves):
        return None
    return Game(opening.start, (*opening.steps, *(move for move in moves if move)))


def answer(game: Game) -> int | None:
    """What comes out of a game, or None where a step cannot be taken."""
    x = game.start
    for step in game.steps:
        worked = work(step.skill.right, known(step, x))
        if worked is None:
            return None
        x = worked[1]
    return x


def known(step: Step, x: int | None) -> dict[str, int]:
    """The numbers that a step's working may name: its operands, and the number so far where there is one."""
    return dict(step.operands) if x is None else {**step.operands, "x": x}


def work(working: str, numbers: Mapping[str, int]) -> tuple[str, int] | None:
    """A working with its numbers put in, and its result; None where it leaves the whole numbers that are not negative."""
    values, told, result = dict(numbers), [], 0
    for left, target in _equations(working):
        value = _value(left, values)
        if value is None or len(str(value)) > LONGEST:
            return None
        told.append(f"{_NAME.sub(lambda found: str(values[found[0]]), left)} = {value}")
        values[target] = result = value
    return "; ".join(told), result


_NAME = re.compile(r"\b[abcnx]\b")


def _equations(working: str) -> Iterator[tuple[str, str]]:
    for equation in working.split("; "):
        left, _, target = equation.partition(" = ")
        yield left, target


def _value(expression: str, values: Mapping[str, int]) -> int | None:
    if called := re.fullmatch(r"(\w+)\((\w+)(?:, (\w+))?\)", expression):
        return _FUNCTIONS[called[1]](*(values[name] for name in called.groups()[1:] if name))
    left, operation, right = expression.split()
    return _OPERATIONS[operation](*(values[name] if name in values else int(name) for name in (left, right)))


_OPERATIONS: Mapping[str, Callable[[int, int], int | None]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b if a >= b else None,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if b and a % b == 0 else None,
    "%": lambda a, b: a % b if b else None,
}
_FUNCTIONS: Mapping[str, Callable[..., int]] = {
    "ten": lambda x: (x + 5) // 10 * 10,
    "reverse": lambda x: int(str(x)[::-1]),
    "digits": lambda x: sum(map(int, str(x))),
    "last": lambda x: x % 10,
    "max": max,
    "min": min,
    "gcd": math.gcd,
}

_NUMBER = rf"(?:0|[1-9][0-9]{{0,{LONGEST - 1}}})"
_SLOTS = {"name": "[A-Z][a-z]+", "a": f"(?P<a>{_NUMBER})", "b": f"(?P<b>{_NUMBER})"}


def _pattern(wording: str, operand: str = "") -> re.Pattern[str]:
    """What a wording matches, with a group for each number that it names."""
    named = "|".join(PARTS) if operand == "part" else _NUMBER
    return re.compile(re.escape(wording).replace(r"\{", "{").replace(r"\}", "}").format(**_SLOTS, n=f"(?P<n>{named})"))


def _patterns(skills: Sequence[Skill]) -> list[tuple[re.Pattern[str], Skill]]:
    return [(_pattern(wording, skill.operand), skill) for skill in skills for wording in skill.wordings]


_OPENINGS, _MOVES = _patterns(OPENINGS), _patterns(MOVES)
_PLAIN = [_pattern(wording) for wording in PLAIN]


def _opening(sentence: str) -> Game | None:
    for pattern in _PLAIN:
        if found := pattern.fullmatch(sentence):
            return Game(int(found["a"]), ())
    step = _match(sentence, _OPENINGS)
    return None if step is None else Game(None, (step,))


def _match(sentence: str, patterns: Sequence[tuple[re.Pattern[str], Skill]]) -> Step | None:
    for pattern, skill in patterns:
        if found := pattern.fullmatch(sentence):
            return Step(skill, {name: PARTS.get(word) or int(word) for name, word in found.groupdict().items()})
    return None
