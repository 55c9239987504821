"""Which problems come from the same seeds."""

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from sparq_core.ledger.reader import Reader

_WORDS = re.compile(r"\w+|[^\w\s]")


class Lineages:
    """
    The seeds of a run with all that descends from them, seeds that have a descendant in common together.

    Problems with the same statement, but for case and spacing, are together as well. `names` has one id of a seed for each
    lineage, `of` gives the one that a problem belongs to. Rejected seeds are none.
    """

    def __init__(self, ledger: Reader) -> None:
        seeds = ledger.query("SELECT id FROM problem WHERE round = 0 AND rejected_in IS NULL ORDER BY rowid")
        self._seeds = {seed for (seed,) in seeds}
        self._above = dict[str, str]()
        self._join(ledger.query("SELECT child, parent FROM parentage"))
        self._join(_repeats(ledger.query("SELECT id, statement FROM problem WHERE rejected_in IS NULL ORDER BY rowid")))
        self.names = [seed for seed in self._seeds if self.of(seed) == seed]

    def of(self, problem: str) -> str:
        """The name of a problem's lineage."""
        top = self._above.get(problem, problem)
        while top != (above := self._above.get(top, top)):
            top = above
        if top != problem:
            self._above[problem] = top
        return top

    def _join(self, pairs: Iterable[tuple[str, ...]]) -> None:
        """Put each child to its parent, each repeat to what it repeats; lineages that meet are one. A seed stays on top."""
        for child, parent in pairs:
            own, other = self.of(child), self.of(parent)
            if own != other:
                below, top = (other, own) if own in self._seeds else (own, other)
                self._above[below] = top


def _repeats(statements: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Problems whose statement an earlier one has, each with that one."""
    known: dict[bytes, str] = {}
    for id_, statement in statements:
        words = " ".join(_WORDS.findall(statement.casefold()))
        earlier = known.setdefault(blake2b(words.encode(), digest_size=8).digest(), id_)
        if earlier != id_:
            yield id_, earlier
