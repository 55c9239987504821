"""Programs that compute answers: read from what a model wrote, run in a sandbox, looked at for what they use."""

import re
from fractions import Fraction

from sparq_sandbox import STANDARD, Limits, Sandbox

LONGEST, MOST_PRINTED = 4_000, 100
"""Characters of a program, and of the answer it prints."""
TOOLS = {
    "loop": re.compile(r"\b(for|while)\b"),
    "condition": re.compile(r"\bif\b"),
    "function": re.compile(r"\b(def|lambda)\b"),
    "modulo": re.compile(r"%|\bgcd\b|\bdivmod\b"),
    "fractions": re.compile(r"\bFraction\b"),
    "combinatorics": re.compile(r"\b(comb|perm|factorial|combinations|permutations|product)\b"),
    "collections": re.compile(r"\b(set|dict|sorted|Counter)\b|\{"),
}
"""What a program may show that it uses."""


class Runner:
    """Runs programs where they can do nothing but compute; may be used from any thread."""

    def __init__(self, seconds: float) -> None:
        self._sandbox = Sandbox(imports=STANDARD, limits=Limits(seconds=seconds, wall=max(60.0, 10 * seconds)))

    def printed(self, program: str) -> tuple[str, str]:
        """The one line that a program prints, and why there is none."""
        outcome = self._sandbox.run(program)
        if outcome.reason is not None:
            return "", f"program: {outcome.reason}"
        text = str(outcome.value).strip()
        if not text:
            return "", "program prints nothing"
        return (
            (text, "") if "\n" not in text and len(text) <= MOST_PRINTED else ("", "program prints more than an answer")
        )

    def close(self) -> None:
        self._sandbox.close()


def tools_of(program: str) -> list[str]:
    """What a program uses, by its words alone."""
    return sorted(name for name, pattern in TOOLS.items() if pattern.search(program))


def same(one: str, other: str) -> bool:
    """Whether two answers are the same number, or the same text."""
    return one == other or (exact(one) is not None and exact(one) == exact(other))


def exact(text: str) -> Fraction | None:
    """The number a text is; None where it is none, or one that is written as a power of ten."""
    try:
        return Fraction(text.replace(",", "")) if len(text) <= MOST_PRINTED and "e" not in text.lower() else None
    except (ValueError, ZeroDivisionError):
        return None


def between(text: str, tag: str) -> str:
    """What stands in the first pair of tags, without the marks of code around it; empty where one of them is missing."""
    _, opened, rest = text.partition(f"<{tag}>")
    inside, closed, _ = rest.partition(f"</{tag}>")
    inside = inside.strip() if opened and closed else ""
    if inside.startswith("```") and inside.endswith("```"):
        inside = inside[:-3].partition("\n")[2].strip()
    return inside
