"""What goes in and what comes out: limits, outcomes, and why there may be no sandbox at all."""

from dataclasses import dataclass
from types import UnionType
from typing import Literal, TypeAlias

Value: TypeAlias = (
    bool
    | int
    | float
    | complex
    | str
    | bytes
    | tuple["Value", ...]
    | list["Value"]
    | set["Value"]
    | dict["Value", "Value"]
    | None
)
"""What a Python literal can say: numbers, texts, bytes, truth values, None; tuples, lists, sets and dictionaries of them."""
Reason = Literal["timeout", "memory", "output", "error", "killed", "forbidden", "not a literal"]
"""Why a run gave no value."""
MOST_OUTPUT = 1 << 20
"""Bytes that an answer may have at most, whatever the limits."""
ALTERNATIVES = (
    "run untrusted programs in a separate container, or behind an HTTP sandbox such as SandboxFusion; "
    "there is no way to run them here without"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use. TypeError or ValueError, with the values that are allowed, for anything else."""

    seconds: float = 2.0
    """CPU seconds, from 0.001 to 86,400."""
    wall: float = 20.0
    """Seconds by the clock, from `seconds` to 1,000,000."""
    memory: int = 256 << 20
    """Bytes beyond what the interpreter takes with its imports, from 1 MiB to 64 TiB."""
    output: int = 64 << 10
    """Bytes of the answer, from 1 to 1 MiB."""

    def __post_init__(self) -> None:
        for name in ("seconds", "wall"):
            _expect(name, getattr(self, name), int | float, "a number of seconds")
        for name in ("memory", "output"):
            _expect(name, getattr(self, name), int, "a whole number of bytes")
        if not 0.001 <= self.seconds <= 86_400:
            raise ValueError(f"Limits.seconds is {self.seconds}: use CPU seconds between 0.001 and 86,400")
        if not self.seconds <= self.wall <= 1_000_000:
            raise ValueError(f"Limits.wall is {self.wall}: use seconds between Limits.seconds and 1,000,000")
        if not 1 << 20 <= self.memory <= 1 << 46:
            raise ValueError(f"Limits.memory is {self.memory}: use bytes between 1 MiB and 64 TiB")
        if not 1 <= self.output <= MOST_OUTPUT:
            raise ValueError(f"Limits.output is {self.output}: use bytes between 1 and {MOST_OUTPUT:,}")


def _expect(name: str, value: object, kind: type | UnionType, what: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"Limits.{name} is {value!r}: use {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run gave."""

    reason: Reason | None = None
    """Why there is no value; None where there is one."""
    value: Value = None
    """What the program's function returned, or what the program printed: its own claim."""
    detail: str = ""
    """The program's error in its own words, at most 500 characters of any kind; where it crashed, the signal's name."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether programs can be confined here; false in a condition where they cannot."""

    why: str = ""
    """What is missing; empty where programs can be confined."""

    def __bool__(self) -> bool:
        return not self.why


class UnavailableError(RuntimeError):
    """Programs cannot be confined here, so none is run."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"no sandbox here: {why}; {ALTERNATIVES}")
