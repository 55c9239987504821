"""
Grade-school word problems with right and wrong solutions, told from the kinds of story in `families.txt`.
"""

import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Step = tuple[int, str, int, int]
"""left operand, operation, right operand, result"""

OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if b and a % b == 0 else -1,
}
LARGEST = 999
USUAL = {"s": (2, 6), "f": (2, 12), "c": (3, 40), "t": (30, 99), "m": (100, 200)}
LARGE = {"s": (7, 9), "f": (13, 20), "c": (41, 80), "t": (100, 200), "m": (201, 400)}
HELD_OUT = 26
"""Of 256: the share of all arithmetic that is kept for benchmarks."""

NAMES = [
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Emma",
    "Felix",
    "Grace",
    "Henry",
    "Iris",
    "Jack",
    "Karen",
    "Liam",
    "Maria",
    "Noah",
    "Olivia",
    "Peter",
    "Quinn",
    "Rosa",
    "Sam",
    "Tina",
    "Uma",
    "Victor",
    "Wendy",
    "Xavier",
    "Yara",
    "Zoe",
]
THINGS = [
    "apples",
    "marbles",
    "stickers",
    "pencils",
    "books",
    "cards",
    "shells",
    "coins",
    "stamps",
    "beads",
    "buttons",
    "balloons",
    "cookies",
    "flowers",
    "stones",
    "candies",
    "oranges",
    "tickets",
    "toys",
    "ribbons",
]
HOLDERS = ["boxes", "bags", "baskets", "jars", "crates", "packs", "trays"]
EVENTS = (
    ("Then M brings {x} more.", "+", "addition"),
    ("Later {x} more are added.", "+", "addition"),
    ("Then {x} of them are given away.", "-", "subtraction"),
    ("After that, {x} are lost.", "-", "subtraction"),
)


@dataclass(frozen=True)
class Family:
    """One kind of story."""

    name: str
    countable: bool
    skills: tuple[str, ...]
    right: str
    wrong: str
    wordings: tuple[str, ...]
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """A word problem with the steps that solve it and the steps of a common mistake."""

    family: str
    statement: str
    steps: tuple[Step, ...]
    mistake: tuple[Step, ...]
    skills: tuple[str, ...]

    @property
    def answer(self) -> int:
        return self.steps[-1][3]

    @property
    def numbers(self) -> str:
        """What makes two stories the same problem whatever the wording: the family and its arithmetic."""
        return self.family + ":" + ";".join(f"{a}{op}{b}" for a, op, b, _ in self.steps)

    @property
    def held_out(self) -> bool:
        """Whether this arithmetic is kept for benchmarks, by hash."""
        return hashlib.sha256(self.numbers.encode()).digest()[0] < HELD_OUT


def read_families(text: str) -> list[Family]:
    """The families of a file like `families.txt`."""
    families = []
    for block in re.split(r"\n\s*\n", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip()):
        head, *lines = block.splitlines()
        name, _, skills = head.partition(": ")
        marked = {mark: tuple(line[2:] for line in lines if line[0] == mark) for mark in "=!-~"}
        families.append(
            Family(
                name.rstrip("*"),
                name.endswith("*"),
                tuple(skills.split(", ")),
                marked["="][0],
                marked["!"][0],
                marked["-"],
                marked["~"],
            )
        )
    return families


FAMILIES = read_families((Path(__file__).parent / "families.txt").read_text())


def tell(
    rng: random.Random,
    family: str | None = None,
    *,
    large: bool = False,
    unseen: bool = False,
    events: int | None = None,
) -> Story:
    """Tell a random story: `large` takes larger numbers, `unseen` a wording for benchmarks, `events` so many more steps."""
    choices = [f for f in FAMILIES if (family is None or f.name == family) and (f.countable or not events)]
    while True:
        story = _tell_once(rng, rng.choice(choices), LARGE if large else USUAL, unseen, events)
        if story is not None:
            return story


def _tell_once(
    rng: random.Random, kind: Family, ranges: Mapping[str, tuple[int, int]], unseen: bool, events: int | None
) -> Story | None:
    operands = {
        key: rng.randint(*ranges[key[0]]) for key in sorted(set(re.findall(r"\b[sfctm]\d", kind.right + kind.wrong)))
    }
    steps, mistake = _run(kind.right, operands), _run(kind.wrong, operands)
    happenings, skills = [], list(kind.skills)
    for _ in range(events if events is not None else rng.choice((0, 0, 1)) * kind.countable):
        text, op, skill = rng.choice(EVENTS)
        x = rng.randint(*ranges["c"])
        steps, mistake = _then(steps, op, x), _then(mistake, op, x)
        happenings.append(text.replace("{x}", str(x)))
        skills += [skill] * (skill not in skills)
    if steps is None or mistake is None or steps[-1][3] == mistake[-1][3]:
        return None
    body, question = rng.choice(kind.unseen if unseen else kind.wordings).split(" | ")
    text = _fill(rng, " ".join([body, *happenings, question]), operands)
    return Story(kind.name, text, steps, mistake, tuple(skills))


def _run(program: str, operands: Mapping[str, int]) -> tuple[Step, ...] | None:
    values, steps = dict(operands), []
    for line in program.split("; "):
        target, _, left, op, right = line.split()
        step = _step(*(values[v] if v in values else int(v) for v in (left, right)), op)
        if step is None:
            return None
        steps.append(step)
        values[target] = step[3]
    return tuple(steps)


def _then(steps: tuple[Step, ...] | None, op: str, x: int) -> tuple[Step, ...] | None:
    step = _step(steps[-1][3], x, op) if steps else None
    return (*steps, step) if steps and step else None


def _step(left: int, right: int, op: str) -> Step | None:
    result = OPERATIONS[op](left, right)
    return (left, op, right, result) if 0 < result <= LARGEST else None


def _fill(rng: random.Random, text: str, operands: Mapping[str, int]) -> str:
    text = re.sub(r"\[([^\]]*)\]", lambda found: rng.choice(found[1].split("|")), text)
    name, friend = rng.sample(NAMES, 2)
    words = {"N": name, "M": friend, "T": rng.choice(THINGS), "H": rng.choice(HOLDERS)}
    text = re.sub(r"\b[NMTH]\b", lambda found: words[found[0]], text).format(**operands)
    return text[0].upper() + text[1:]
