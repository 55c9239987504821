"""What goes in and what comes out: limits, outcomes, and why there may be no sandbox at all."""

from dataclasses import dataclass
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
"""What a literal of Python can say."""
Reason = Literal["timeout", "memory", "output", "error", "killed", "forbidden", "not a literal"]
MOST_OUTPUT = 1 << 20
"""Bytes that an answer may have at most, whatever the limits."""
ALTERNATIVES = (
    "run untrusted programs in a container of their own, or behind an HTTP sandbox such as SandboxFusion; "
    "there is no way to run them here without"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use: CPU seconds, seconds in all, bytes beyond the bare interpreter's, bytes of its answer."""

    seconds: float = 2.0
    wall: float = 20.0
    memory: int = 256 << 20
    output: int = 64 << 10

    def __post_init__(self) -> None:
        if not 0.001 <= self.seconds <= 86_400:
            raise ValueError(f"Limits.seconds is {self.seconds}: use CPU seconds between 0.001 and 86,400")
        if not self.seconds <= self.wall <= 1_000_000:
            raise ValueError(f"Limits.wall is {self.wall}: use seconds between Limits.seconds and 1,000,000")
        if not 1 << 20 <= self.memory <= 1 << 46:
            raise ValueError(f"Limits.memory is {self.memory}: use bytes between 1 MiB and 64 TiB")
        if not 1 <= self.output <= MOST_OUTPUT:
            raise ValueError(f"Limits.output is {self.output}: use bytes between 1 and {MOST_OUTPUT:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run gave: a value where `reason` is None, else why there is none, and in `detail` what the program said."""

    reason: Reason | None = None
    value: Value = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether programs can be confined here; `why` not, where they cannot."""

    why: str = ""

    def __bool__(self) -> bool:
        return not self.why


class UnavailableError(RuntimeError):
    """Programs cannot be confined here, so none is run."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"no sandbox here: {why}; {ALTERNATIVES}")
