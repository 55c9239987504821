"""In which order problems are taken when there is a budget (SPARQ, section 3.2)."""

import heapq
from collections.abc import Sequence
from math import exp, log
from random import Random

from msgspec import Struct

Niche = tuple[str, ...]


class Candidate(Struct, frozen=True, kw_only=True):
    """A kept problem, without its texts."""

    id: str
    niche: Niche
    quality: float
    solve_rate: float
    correct: tuple[int, ...]
    """Ids of its correct attempts."""


def shuffled(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """Any order."""
    return rng.sample(problems, len(problems))


def good(problems: Sequence[Candidate], rng: Random, mean: float, spread: float) -> list[Candidate]:
    """Drawn without replacement, with weights from a Gaussian around a mean quality (Efraimidis and Spirakis 2006)."""

    def key(problem: Candidate) -> float:
        weight = exp(-((problem.quality - mean) ** 2) / (2 * spread**2))
        return log(1 - rng.random()) / max(weight, 1e-300)

    return [problem for _, problem in sorted(((key(p), p) for p in problems), key=lambda pair: -pair[0])]


def diverse(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """One problem of each niche in turn, any; niches in the order in which they add the most different labels."""
    return _in_turn(shuffled(problems, rng))


def quality_diverse(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """One problem of each niche in turn, the best first."""
    return _in_turn(sorted(shuffled(problems, rng), key=lambda problem: -problem.quality))


def _in_turn(problems: Sequence[Candidate]) -> list[Candidate]:
    waiting: dict[Niche, list[Candidate]] = {}
    for problem in reversed(problems):
        waiting.setdefault(problem.niche, []).append(problem)
    niches = covering(list(waiting))
    found: list[Candidate] = []
    while niches:
        found += [waiting[niche].pop() for niche in niches]
        niches = [niche for niche in niches if waiting[niche]]
    return found


def covering(niches: Sequence[Niche]) -> list[Niche]:
    """
    Niches in an order in which each adds as many labels as any could.

    Lazy greedy: what a niche adds only shrinks, so the one on top need only be looked at again.
    """
    seen: set[str] = set()
    queue = [(-len(set(niche)), i, niche) for i, niche in enumerate(niches)]
    heapq.heapify(queue)
    found: list[Niche] = []
    while queue:
        added, i, niche = heapq.heappop(queue)
        now = -len(set(niche) - seen)
        if now > added:
            heapq.heappush(queue, (now, i, niche))
        else:
            found.append(niche)
            seen.update(niche)
    return found
