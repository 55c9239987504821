"""A MAP-Elites archive over descriptors: it holds ids and scores, not texts."""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log

from msgspec import Struct

import sparq_core as sparq

Entry = tuple[float, int, str]
"""A problem's quality, its lot, from above, and its id."""


class Filled(Struct, frozen=True):
    """A niche as it is written down."""

    niche: sparq.Niche
    entries: list[Entry]
    best: float
    offered: int


class Contents(Struct, frozen=True):
    """An archive as it is written down."""

    niches: list[Filled]
    """In the order they were first filled."""
    added: int
    qd_score: float
    sum_n_log_n: float


class Archive:
    """
    The best problems of each niche, at most `capacity` of them once something was added to it.

    The higher quality stays, and among equals the lower lot: the earlier problem, unless lots are given.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._niches: dict[sparq.Niche, list[Entry]] = {}
        self._best: dict[sparq.Niche, float] = {}
        self._ranked: dict[sparq.Niche, list[str]] = {}
        self._order: list[sparq.Niche] = []
        self._added = 0
        self._qd_score = 0.0
        self._offered: Counter[sparq.Niche] = Counter()
        self._labels: set[str] = set()
        self._sum_n_log_n = 0.0

    def begin(self, niche: sparq.Niche, id_: str, quality: float, lot: int | None = None) -> None:
        """Put a problem in that the search begins with: the niche holds all of those until another one is added to it."""
        self._put(niche, id_, quality, lot)

    def add(self, niche: sparq.Niche, id_: str, quality: float, lot: int | None = None) -> bool:
        """Offer a problem; whether it is now an elite."""
        entry = self._put(niche, id_, quality, lot)
        elites = self._niches[niche]
        while len(elites) > self._capacity:
            heapq.heappop(elites)
        return entry >= elites[0]

    def _put(self, niche: sparq.Niche, id_: str, quality: float, lot: int | None) -> Entry:
        self._added += 1
        entry = (quality, -(self._added if lot is None else lot), id_)
        if niche not in self._niches:
            self._niches[niche], self._best[niche] = [], 0.0
            self._order.append(niche)
            self._labels |= sparq.labels_of(niche)
        heapq.heappush(self._niches[niche], entry)
        self._ranked.pop(niche, None)
        self._count(niche)
        self._set_best(niche, max(quality, self._best[niche]))
        return entry

    def rerank(self, niche: sparq.Niche, id_: str, quality: float) -> None:
        """Give an elite another quality; one that is no elite any more is left alone."""
        elites = self._niches.get(niche, [])
        at = next((i for i, (_, _, elite) in enumerate(elites) if elite == id_), None)
        if at is None:
            return
        elites[at] = (quality, elites[at][1], id_)
        heapq.heapify(elites)
        self._ranked.pop(niche, None)
        self._set_best(niche, max(elites)[0])

    def _set_best(self, niche: sparq.Niche, best: float) -> None:
        self._qd_score += best - self._best[niche]
        self._best[niche] = best

    @property
    def niches(self) -> list[sparq.Niche]:
        """The filled niches, in the order they were first filled."""
        return self._order

    def elites(self, niche: sparq.Niche) -> Sequence[str]:
        """A niche's problems, best first."""
        if niche not in self._ranked:
            self._ranked[niche] = [id_ for _, _, id_ in sorted(self._niches[niche], reverse=True)]
        return self._ranked[niche]

    def qd_score(self) -> float:
        """Sum over niches of the best quality."""
        return self._qd_score

    def entropy(self) -> float:
        """Shannon entropy of the niches of all problems offered, in nats: e to its power niches would be filled evenly."""
        return max(0.0, log(self._added) - self._sum_n_log_n / self._added) if self._added else 0.0

    def metrics(self) -> dict[str, float]:
        """Filled niches, QD-score, niche entropy, and the different labels among the niches."""
        return {
            "filled_niches": float(len(self._order)),
            "qd_score": round(self._qd_score, 6),
            "niche_entropy": round(self.entropy(), 6),
            **({"unique_labels": float(len(self._labels))} if self._labels else {}),
        }

    def contents(self) -> Contents:
        """All there is, to be written down."""
        niches = [Filled(n, self._niches[n], self._best[n], self._offered[n]) for n in self._order]
        return Contents(niches, self._added, self._qd_score, self._sum_n_log_n)

    def load(self, contents: Contents) -> None:
        """Hold what was written down; for an archive that is empty."""
        self._added, self._qd_score, self._sum_n_log_n = contents.added, contents.qd_score, contents.sum_n_log_n
        for filled in contents.niches:
            self._niches[filled.niche], self._best[filled.niche] = filled.entries, filled.best
            self._offered[filled.niche] = filled.offered
            self._order.append(filled.niche)
            self._labels |= sparq.labels_of(filled.niche)

    def _count(self, niche: sparq.Niche) -> None:
        n = self._offered[niche]
        self._sum_n_log_n += (n + 1) * log(n + 1) - (n * log(n) if n else 0.0)
        self._offered[niche] = n + 1

    def __iter__(self) -> Iterator[str]:
        for niche in self._order:
            yield from self.elites(niche)
