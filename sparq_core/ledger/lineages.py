"""Which problems come from the same seeds."""

from collections.abc import Iterable

from sparq_core.ledger.reader import Reader


class Lineages:
    """
    The seeds of a run with all that descends from them, seeds that have a descendant in common together.

    `names` has one id of a seed for each, `of` gives the one that a problem belongs to. Rejected seeds are none.
    """

    def __init__(self, ledger: Reader) -> None:
        seeds = ledger.query("SELECT id FROM problem WHERE round = 0 AND rejected_in IS NULL ORDER BY rowid")
        self._seeds = {seed for (seed,) in seeds}
        self._above = dict[str, str]()
        self._join(ledger.query("SELECT child, parent FROM parentage"))
        self.names = [seed for seed in self._seeds if self.of(seed) == seed]

    def of(self, problem: str) -> str:
        """The name of a problem's lineage."""
        top = self._above.get(problem, problem)
        while top != (above := self._above.get(top, top)):
            top = above
        if top != problem:
            self._above[problem] = top
        return top

    def _join(self, parentage: Iterable[tuple[str, ...]]) -> None:
        """Put each child to its parents; those that are in several lineages make them one. A seed stays on top."""
        for child, parent in parentage:
            own, other = self.of(child), self.of(parent)
            if own != other:
                below, top = (other, own) if own in self._seeds else (own, other)
                self._above[below] = top
