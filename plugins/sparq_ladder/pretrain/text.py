"""
The pre-training text: number games, most of them short, with small numbers and of common skills; many are solved wrong.

*Answers* (a game, then a solution, as on a forum) often take the common mistake of a skill, each skill at a rate of its own,
and slip now and then. *Textbooks* (a game and its solution, written after another one) are right.
"""

import hashlib
import random

from sparq_ladder.games import LARGE, USUAL, Plan, Told, choose, draw, extended, opened, tell
from sparq_ladder.rules import Game, known, work
from sparq_ladder.skills import MOVES, Skill

PLAN = Plan(lengths={1: 0.50, 2: 0.33, 3: 0.14, 4: 0.03}, large=0.04, rarity=0.7)
"""What the text holds; the benchmarks' games are longer and of all skills alike."""
ANSWERS, MUTATIONS = 0.62, 0.30
"""Shares of the examples; the rest names skills."""
MISTAKEN = (0.0, 0.3)
"""Least and greatest rate at which answers take a skill's common mistake."""
SLIPS = 0.03
"""Share of steps whose result is off by a little."""


def training_game(rng: random.Random) -> Told:
    """A game that no benchmark has."""
    while True:
        told = draw(rng, PLAN)
        if not told.held_out and not told.unseen:
            return told


def example(rng: random.Random) -> tuple[str, str]:
    """A prompt as `examples/miniature.yaml` has it, and what follows it."""
    kind, told = rng.random(), training_game(rng)
    if kind < ANSWERS:
        return told.statement, worked_out(rng, told.game, careless=True)
    if kind < ANSWERS + MUTATIONS:
        child = variation(rng, told.game)
        solution = worked_out(rng, child.game)
        return f"{told.statement}\nAnother one:", f"<problem>{child.statement}</problem><solution>{solution}</solution>"
    return f"{told.statement}\nSkills:", f"<skills>{', '.join(told.skills[:3])}</skills>"


def variation(rng: random.Random, parent: Game) -> Told:
    """A game in the manner of another: of the same skills, mostly with one changed, added or left out; or any other."""
    size = LARGE if rng.random() < PLAN.large else USUAL
    for _ in range(20):
        opening, moves = edited(rng, parent)
        game = opened(rng, opening, size)
        for skill in moves:
            game = game and extended(rng, game, skill, size)
        if game and game.steps:
            told = tell(rng, game)
            if not told.held_out and not told.unseen:
                return told
    return training_game(rng)


def edited(rng: random.Random, parent: Game) -> tuple[Skill | None, list[Skill]]:
    """The opening and the moves of a game, mostly with one move changed, added or left out."""
    skills = [step.skill for step in parent.steps]
    opening = skills.pop(0) if parent.start is None else None
    at = rng.randrange(len(skills) + 1)
    edit = rng.choice(("none", "change", "add", "leave out"))
    if edit == "add" and len(parent.steps) < max(PLAN.lengths):
        skills.insert(at, choose(rng, MOVES, PLAN.rarity))
    elif edit != "none" and at < len(skills):
        skills[at : at + 1] = [choose(rng, MOVES, PLAN.rarity)] if edit == "change" else []
    return opening, skills


def worked_out(rng: random.Random, game: Game, *, careless: bool = False) -> str:
    """A solution, right or with the mistakes that answers have."""
    while (told := _once_worked_out(rng, game, careless=careless)) is None:
        pass  # a mistake led to a number with which the game cannot go on
    return told


def _once_worked_out(rng: random.Random, game: Game, *, careless: bool) -> str | None:
    x, told = game.start, []
    for step in game.steps:
        mistaken = careless and step.skill.mistake and rng.random() < mistaken_rate(step.skill)
        worked = work(step.skill.mistake if mistaken else step.skill.right, known(step, x))
        if worked is None:
            return None
        slips = careless and not mistaken and rng.random() < SLIPS
        working, x = _slipped(rng, *worked) if slips else worked
        told.append(f"{working}.")
    return f"{' '.join(told)} \\boxed{{{x}}}"


def _slipped(rng: random.Random, working: str, result: int) -> tuple[str, int]:
    wrong = abs(result + rng.choice((-10, -2, -1, 1, 2, 10)))
    return f"{working.removesuffix(str(result))}{wrong}", wrong


def mistaken_rate(skill: Skill) -> float:
    """How often answers take the common mistake of a skill; by hash, so that it follows no pattern."""
    low, high = MISTAKEN
    return low + (high - low) * hashlib.sha256(skill.name.encode()).digest()[1] / 255
