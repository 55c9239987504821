"""A finished run seen through other niches: its steps are folded into another selector, and nothing is written."""

from collections.abc import Sequence
from pathlib import Path

from sparq_core.plugins import alone
from sparq_core.reading import Reader


def rebin(folder: Path, use: str, settings: Sequence[str]) -> list[tuple[str, dict[str, float]]]:
    """
    The metrics after each round, had the selector been this one with these options (`name=value`).

    Which parents it would have drawn is not part of it: the children are those of the run.
    """
    _, commit = alone(use, settings, "commit", "map-elites")
    found: list[tuple[str, dict[str, float]]] = []
    with Reader.open(folder) as ledger:
        for round_ in range(ledger.last_round() + 1):
            metrics: dict[str, float] = {}
            for step in range(1, ledger.steps_of(round_) + 1):
                metrics = dict(commit(step=ledger.step(round_, step)) or {})
            if round_:
                found.append((f"round {round_}", metrics))
    return found
