"""
Random number games: of which skills, how long and with how large numbers is the caller's choice.
"""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sparq_ladder.rules import Game, Step, answer, known, work
from sparq_ladder.skills import MOVES, NAMES, OPENINGS, PARTS, PLAIN, QUESTIONS, Skill

HELD_OUT = 26
"""Of 256: the share of all games that is kept for benchmarks."""
UNSEEN = 38
"""Of 256: the share of all pairs of skills, one after the other, that no text and no seed has."""
PLAIN_SHARE = 0.5
"""Games that open with a mere number."""


class Size(NamedTuple):
    """How large the numbers of a game are."""

    ranges: Mapping[str, tuple[int, int]]
    """Least and greatest number of each kind that a sentence may name."""
    most: int
    """Largest number on the way."""


USUAL = Size({"start": (2, 40), "number": (2, 30), "factor": (2, 9), "bound": (10, 60)}, most=99)
LARGE = Size({"start": (41, 200), "number": (31, 150), "factor": (8, 12), "bound": (61, 200)}, most=999)


@dataclass(frozen=True)
class Plan:
    """What games are drawn from."""

    lengths: Mapping[int, float]
    """Weights of how many steps a game has."""
    large: float = 0.0
    """Share of games with large numbers."""
    rarity: float = 0.0
    """How much rarer the last skills of the tables are than the first: 0 for all alike, 1 for Zipf's law."""


@dataclass(frozen=True)
class Told:
    """A game in words."""

    game: Game
    statement: str

    @property
    def answer(self) -> int:
        found = answer(self.game)
        assert found is not None  # noqa: S101 -- games are drawn so
        return found

    @property
    def skills(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step.skill.name for step in self.game.steps))

    @property
    def numbers(self) -> str:
        """What makes two games the same whatever their wording."""
        steps = (f"{s.skill.name}{sorted(s.operands.items())}" for s in self.game.steps)
        return f"{self.game.start}:" + ";".join(steps)

    @property
    def held_out(self) -> bool:
        """Whether it is kept for benchmarks, by hash."""
        return hashlib.sha256(self.numbers.encode()).digest()[0] < HELD_OUT

    @property
    def unseen(self) -> bool:
        """Whether it has a pair of skills that stands in no text and no seed."""
        names = [step.skill.name for step in self.game.steps]
        return any(map(unseen_pair, names, names[1:]))


def unseen_pair(first: str, second: str) -> bool:
    """Whether a skill after another is kept for benchmarks, by hash."""
    return hashlib.sha256(f"{first}, then {second}".encode()).digest()[0] < UNSEEN


def draw(rng: random.Random, plan: Plan) -> Told:
    """A random game, told."""
    size = LARGE if rng.random() < plan.large else USUAL
    (length,) = rng.choices(list(plan.lengths), list(plan.lengths.values()))
    while True:
        opening = None if rng.random() < PLAIN_SHARE else choose(rng, OPENINGS, plan.rarity)
        game = opened(rng, opening, size)
        while game and len(game.steps) < length:
            game = extended(rng, game, choose(rng, MOVES, plan.rarity), size)
        if game:
            return tell(rng, game)


def opened(rng: random.Random, skill: Skill | None, size: Size) -> Game | None:
    """A game of an opening only; a mere number without a skill."""
    if skill is None:
        return Game(rng.randint(*size.ranges["start"]), ())
    a, b = (rng.randint(*size.ranges["factor" if skill.name == "grouping" else "start"]) for _ in "ab")
    return fitting(Game(None, (Step(skill, {"a": a, "b": b}),)), size)


def extended(rng: random.Random, game: Game, skill: Skill, size: Size) -> Game | None:
    """A game with one more move, or None where the drawn number does not fit."""
    numbers = {"n": _operand(rng, skill.operand, size)} if skill.operand else {}
    return fitting(Game(game.start, (*game.steps, Step(skill, numbers))), size)


def _operand(rng: random.Random, kind: str, size: Size) -> int:
    return rng.choice(list(PARTS.values())) if kind == "part" else rng.randint(*size.ranges[kind])


def fitting(game: Game, size: Size) -> Game | None:
    """The game, if its numbers stay in bounds on the way, no skill comes twice in a row and no bare move changes nothing."""
    x, before = game.start, None
    for step in game.steps:
        worked = work(step.skill.right, known(step, x))
        if worked is None or not 0 < worked[1] <= size.most or step.skill is before:
            return None
        if not step.operands and worked[1] == x:
            return None
        x, before = worked[1], step.skill
    return game


def tell(rng: random.Random, game: Game) -> Told:
    """A game in random words."""
    name = rng.choice(NAMES)
    sentences = [] if game.start is None else [rng.choice(PLAIN).format(a=game.start, name=name)]
    for skill, numbers in game.steps:
        words = {key: _PART[n] if skill.operand == "part" else str(n) for key, n in numbers.items()}
        sentences.append(rng.choice(skill.wordings).format(name=name, **words))
    return Told(game, " ".join([*sentences, rng.choice(QUESTIONS)]))


_PART = {number: word for word, number in PARTS.items()}


def choose(rng: random.Random, skills: Sequence[Skill], rarity: float) -> Skill:
    """One of the skills, the last of them rarer than the first."""
    return rng.choices(skills, [(rank + 3) ** -rarity for rank in range(len(skills))])[0]
