"""Metrics out of what a trainer has logged, row by row, in the order of its steps."""

from collections.abc import Mapping, Sequence
from statistics import fmean

History = Sequence[Mapping[str, float | None]]
PART = 10
"""The first and the last of so many parts of a training are its beginning and its end."""


def logged(history: History, name: str) -> list[float]:
    """The values of one name; a trainer logs None where it has none."""
    return [value for row in history if (value := row.get(name)) is not None]


def summed_up(history: History, names: Mapping[str, str], *, ends: bool = True) -> dict[str, float]:
    """The mean of each name that was logged, as it is to be called; with `ends` also those of the beginning and the end."""
    found: dict[str, float] = {}
    for name, called in names.items():
        if values := logged(history, name):
            part = max(1, len(values) // PART)
            found[called] = fmean(values)
            if ends:
                found |= {f"{called}_first": fmean(values[:part]), f"{called}_last": fmean(values[-part:])}
    return found
