"""What the pools of the study `variants` look like: solve rates, validity, coverage."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from sparq_core.ledger.intervals import proportion
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.study.ended import ENDED
from sparq_ladder.rules import solve

ARMS = ("static-uniform", "static-diverse", "dynamic-uniform", "map-elites", "unbounded")


def looks(study: Path) -> dict[str, Any]:
    """
    Solve rates and validity of the cells that are through, coverage over steps, and lines that tell it.

    Nothing where an arm has no cell whose ledger is there.
    """
    found: dict[str, Any] = {"solve_rates": {}, "validity": {}, "coverage": {}}
    for arm in ARMS:
        through = sorted(note.parent for note in (study / "cells" / arm).glob(f"seed-*/{ENDED}"))
        if not (cells := [cell for cell in through if (cell / DATABASE).exists()]):
            return {}
        found["solve_rates"][arm] = _shares(sum((_solve_rates(cell) for cell in cells), Counter()))
        found["validity"][arm] = _validity(cells)
        found["coverage"][arm] = _coverage(cells)
    return {**found, "told": list(_told(found))}


def _solve_rates(cell: Path) -> Counter[int]:
    with Reader.open(cell) as ledger:
        return Counter(s.child.counts.correct for s in ledger.solved(outcome=None) if s.child.counts.drawn)


def _shares(counts: Counter[int]) -> dict[str, float]:
    return {str(n): round(counts[n] / counts.total(), 4) for n in sorted(counts)}


def _validity(cells: list[Path]) -> dict[str, list[float]]:
    """By how many of the attempts are right: the share of problems whose answer is what the rules say, with its interval."""
    valid: dict[int, list[float]] = {}
    for cell in cells:
        with Reader.open(cell) as ledger:
            for s in ledger.solved(outcome=None):
                if s.child.counts.drawn and not s.child.problem.is_seed:
                    answer = solve(s.child.problem.statement)
                    right = answer is not None and str(answer) == (s.child.problem.answer or "").strip()
                    valid.setdefault(s.child.counts.correct, []).append(float(right))
    return {
        str(n): [round(v, 4) for v in (i.mean, i.low, i.high)] + [len(valid[n])]
        for n in sorted(valid)
        for i in [proportion(valid[n])]
    }


def _coverage(cells: list[Path]) -> dict[str, list[float]]:
    """Filled niches after each quarter of a run's steps, mean over seeds."""
    found: list[list[float]] = []
    for cell in cells:
        with Reader.open(cell) as ledger:
            steps = ledger.steps_of(1)
            at = [max(1, round(steps * part / 4)) for part in (1, 2, 3, 4)]
            found.append([ledger.step_row(1, step).metrics["filled_niches"] for step in at])
    return {"filled_niches": [round(fmean(column), 1) for column in zip(*found, strict=True)]}


def _told(found: Mapping[str, Any]) -> list[str]:
    counts = sorted({int(n) for shares in found["solve_rates"].values() for n in shares})
    head = " | ".join(map(str, counts))
    lines = ["Children by how many of their attempts are right (the paper: U-shaped, most at 0, next at all):", ""]
    lines += [f"| arm | {head} |", f"|---|{'---|' * len(counts)}"]
    for arm, shares in found["solve_rates"].items():
        lines.append(f"| {arm} | {' | '.join(f'{100 * shares.get(str(n), 0):.0f}%' for n in counts)} |")
    lines += [
        "",
        "Of those the valid ones, by the rules of the world (the paper: validity rises with the solve rate):",
        "",
    ]
    lines += [f"| arm | {head} |", f"|---|{'---|' * len(counts)}"]
    for arm, valid in found["validity"].items():
        cells = [f"{100 * valid[str(n)][0]:.0f}%" if str(n) in valid else "" for n in counts]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    lines += [
        "",
        "Filled niches of the archive after each quarter of the steps:",
        "",
        "| arm | ¼ | ½ | ¾ | all |",
        "|---|---|---|---|---|",
    ]
    for arm, covered in found["coverage"].items():
        lines.append(f"| {arm} | {' | '.join(f'{n:,.0f}' for n in covered['filled_niches'])} |")
    return lines
