"""In which order problems are taken when there is a budget (SPARQ, section 3.2)."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from msgspec import Struct

import sparq_core as sparq


class Candidate(Struct, frozen=True, kw_only=True):
    """A kept problem, without its texts."""

    id: str
    niche: sparq.Niche
    quality: float
    solve_rate: float
    correct: tuple[int, ...]
    """Ids of its correct attempts."""
    groups: frozenset[tuple[str, str]] = frozenset()
    """What its share is capped by: its operator and labels, each with the name of the cap."""


def shuffled(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """Any order."""
    return rng.sample(problems, len(problems))


def good(problems: Sequence[Candidate], rng: Random, mean: float, spread: float) -> list[Candidate]:
    """Those of a quality near a mean first, by chance."""
    return [problems[place] for place in sparq.near_mean([p.quality for p in problems], mean, spread, rng)]


def uncertain(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """Those first whose attempts differ most in what they come to, p (1 − p) of the solve rate p."""
    return sorted(shuffled(problems, rng), key=lambda problem: -problem.solve_rate * (1 - problem.solve_rate))


def diverse(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """One problem of each niche in turn, any; niches in the order in which they add the most different labels."""
    return _in_turn(shuffled(problems, rng))


def quality_diverse(problems: Sequence[Candidate], rng: Random) -> list[Candidate]:
    """One problem of each niche in turn, the best first; of niches that add as many labels, the one with the best problem."""
    return _in_turn(sorted(shuffled(problems, rng), key=lambda problem: -problem.quality))


def capped(problems: Iterable[Candidate], caps: Mapping[str, float], budget: int) -> list[Candidate]:
    """At most `budget` of the problems as they come, of no operator or label more than its cap's share of the budget."""
    left = {name: max(1, int(share * budget)) for name, share in caps.items()}
    taken = list[Candidate]()
    had: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        if len(taken) == budget:
            break
        if all(had[group] < left[group[0]] for group in problem.groups):
            had.update(problem.groups)
            taken.append(problem)
    return taken


def _in_turn(problems: Sequence[Candidate]) -> list[Candidate]:
    """The first problem of each niche, then the second of each, and so on; within a turn new labels first, then as given."""
    turns: list[list[Candidate]] = []
    had: Counter[sparq.Niche] = Counter()
    for problem in problems:
        if had[problem.niche] == len(turns):
            turns.append([])
        turns[had[problem.niche]].append(problem)
        had[problem.niche] += 1
    first = {problem.niche: problem for problem in (turns[0] if turns else ())}
    return [first[niche] for niche in covering(list(first))] + [problem for turn in turns[1:] for problem in turn]


def covering(niches: Sequence[sparq.Niche]) -> list[sparq.Niche]:
    """
    Niches in an order in which each adds as many labels as any could; among equals the one that is given earlier.

    Lazy greedy: what a niche adds only shrinks, so the one on top need only be looked at again.
    """
    seen: frozenset[str] = frozenset()
    labels = [sparq.labels_of(niche) for niche in niches]
    queue = [(-len(added), i) for i, added in enumerate(labels)]
    heapq.heapify(queue)
    found: list[sparq.Niche] = []
    while queue:
        added, i = heapq.heappop(queue)
        now = -len(labels[i] - seen)
        if now > added:
            heapq.heappush(queue, (now, i))
        else:
            found.append(niches[i])
            seen |= labels[i]
    return found
