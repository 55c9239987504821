"""The ledger of a run at work, read as it grows."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from sparq_core.cli.panel import LONGEST, View
from sparq_core.contract.errors import SparqError
from sparq_core.ledger import course, spread
from sparq_core.ledger.reader import Reader

FINEST = 20
"""Places of the scale of solve rates, where there are more attempts than that at a problem."""


class Followed:
    """
    What a panel shows beside the counters: how often problems were solved, and the latest kept one.

    It belongs to the thread that looks first. Where the ledger cannot be read while it is written, nothing of it is shown.
    """

    def __init__(self) -> None:
        self._ledger: Reader | None = None
        self._at = 0, 0

    def close(self) -> None:
        """Close the ledger, if it was opened."""
        if self._ledger:
            self._ledger.close()

    def look(self, folder: Path, view: View) -> None:
        """Bring the view up to date with what was committed since the last look."""
        with suppress(sqlite3.Error, SparqError, OSError):
            if self._ledger is None and view.tally.children:
                self._ledger = Reader.open(folder)
                if self._ledger.is_readable_while_written:
                    self._begin(self._ledger, view)
            if self._ledger and view.solved:
                self._go_on(self._ledger, view)

    def _begin(self, ledger: Reader, view: View) -> None:
        """With what was there before this session; counted by the database, since that may be a million problems."""
        places = min(ledger.pipeline().attempts.k, FINEST)
        counts = [0] * (places + 1)
        with ledger.snapshot():
            for solved in spread.solve_rates(ledger, places):
                counts[solved.place] += solved.children
            view.kept = course.latest_kept(ledger, LONGEST)
            self._at = ledger.last_round(), ledger.steps_of(ledger.last_round())
        view.solved = counts

    def _go_on(self, ledger: Reader, view: View) -> None:
        for made in course.made_since(ledger, *self._at, LONGEST):
            self._at = made.round, made.step
            if made.solve_rate is not None:
                view.solved[round(made.solve_rate * (len(view.solved) - 1))] += 1
            if made.outcome == "kept":
                view.kept = made
