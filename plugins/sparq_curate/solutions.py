"""Which of a problem's correct attempts are taken."""

from collections.abc import Mapping, Sequence
from random import Random


def sampled(attempts: Sequence[int], most: int | None, rng: Random) -> list[int]:
    """Any of the attempts, in their order; all where there is no limit, or no more than it allows."""
    return list(attempts) if most is None or len(attempts) <= most else sorted(rng.sample(attempts, most))


def shortest(texts: Mapping[int, str], most: int) -> list[int]:
    """The attempts with the fewest characters; among equals the earlier."""
    return sorted(texts, key=lambda attempt: (len(texts[attempt]), attempt))[:most]


def apart(texts: Mapping[int, str], most: int) -> list[int]:
    """Attempts that share few words: the first, then each time the one whose nearest chosen one is farthest (Jaccard)."""
    words = {attempt: frozenset(text.split()) for attempt, text in texts.items()}
    chosen = [min(texts)]
    while len(chosen) < min(most, len(texts)):
        rest = [attempt for attempt in sorted(texts) if attempt not in chosen]
        chosen.append(max(rest, key=lambda attempt: min(_distance(words[attempt], words[other]) for other in chosen)))
    return chosen


def _distance(a: frozenset[str], b: frozenset[str]) -> float:
    return 1 - len(a & b) / max(1, len(a | b))
