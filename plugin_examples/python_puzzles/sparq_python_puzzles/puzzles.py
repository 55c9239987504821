"""What a puzzle is, and how one is tried: `f` and `g` each in a process of its own, compared in ours."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

import sparq_core as sparq
from sparq_sandbox import STANDARD, Limits, Outcome, Sandbox, Value

SKILLS = (
    "arithmetic",
    "number theory",
    "combinatorics",
    "geometry",
    "strings",
    "lists",
    "dictionaries and sets",
    "sorting",
    "recursion",
    "search",
    "bits",
    "logic",
)
TRIVIAL: tuple[Value, ...] = (None, True, False, 0, 1, -1, "", [], {}, ())
"""Values that solve a puzzle only where nothing is asked."""
EASY = """

def easy(values):
    return any(map(solves, values))

def solves(value):
    try:
        return f(value) is True
    except Exception:
        return False
"""
UNDECIDED = frozenset({"timeout", "memory", "killed"})
"""Endings of a program that say nothing about what it would have given."""
LONGEST = 4_000
"""Characters of a puzzle."""


class Puzzle(Struct, frozen=True):
    """A problem as the domain's own data; it is kept in the problem's `extra`."""

    f: str
    skills: tuple[str, ...]

    @property
    def statement(self) -> str:
        return f"Write a function `g`, without arguments, for which `f(g())` returns True.\n\n```python\n{self.f}\n```"

    @property
    def extra(self) -> Mapping[str, Any]:
        return {"f": self.f, "skills": list(self.skills)}


def puzzle_of(problem: sparq.Problem) -> Puzzle | None:
    """The puzzle that a problem is; None where its `extra` holds none."""
    f, skills = problem.extra.get("f"), problem.extra.get("skills", [])
    return Puzzle(f, tuple(map(str, skills))) if isinstance(f, str) and isinstance(skills, list | tuple) else None


def read_puzzle(text: str) -> tuple[Puzzle, str] | str:
    """The puzzle and the solution that a model wrote, or why there is none."""
    f, g = (without_fence(between(text, f"<{tag}>", f"</{tag}>")) for tag in ("puzzle", "solution"))
    named = {name.strip().casefold() for name in between(text, "<skills>", "</skills>").split(",")}
    skills = tuple(skill for skill in SKILLS if skill in named)
    if "def f(" not in f:
        return "no puzzle f"
    if "def g(" not in g:
        return "no solution g"
    if len(f) > LONGEST:
        return "puzzle too long"
    return (Puzzle(f, skills[:3]), g) if skills else "no skill of the list"


def without_fence(text: str) -> str:
    """A program without the marks of code that models like to put around it."""
    return (sparq.last_code_block(text) or text).strip()


def between(text: str, opening: str, closing: str) -> str:
    """What stands between two marks, empty where one of them is missing."""
    _, opened, rest = text.partition(opening)
    inside, closed, _ = rest.partition(closing)
    return inside.strip() if opened and closed else ""


class Judge:
    """Tries solutions. Two processes each: the one that says whether it is right has never seen it."""

    def __init__(self, seconds: float) -> None:
        self._sandbox = Sandbox(imports=STANDARD, limits=Limits(seconds=seconds, wall=max(60.0, 10 * seconds)))

    def tried(self, f: str, g: str) -> tuple[sparq.Value, str]:
        """Whether `f(g())` is true, and in a word why not."""
        answer = self._sandbox.run(g, entry="g")
        if answer.reason is not None:
            return _failed("g", answer)
        try:
            said = self._sandbox.run(f, entry="f", arguments=(answer.value,))
        except ValueError:
            return "incorrect", "g: too large"
        if said.reason is not None:
            return _failed("f", said)
        return ("correct", "solved") if said.value is True else ("incorrect", "not solved")

    def is_trivial(self, f: str) -> bool:
        """Whether a value solves it that solves everything."""
        return self._sandbox.run(f + EASY, entry="easy", arguments=(TRIVIAL,)).value is True

    def close(self) -> None:
        self._sandbox.close()


def _failed(which: str, outcome: Outcome) -> tuple[sparq.Value, str]:
    return "unknown" if outcome.reason in UNDECIDED else "incorrect", f"{which}: {outcome.reason}"
