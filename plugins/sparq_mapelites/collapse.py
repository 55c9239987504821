"""The alarm of a search that drifts into a few niches, which no single step shows."""

from math import exp, log

FIRST_STEPS = 10
"""Steps of a round before its diversity says anything."""


class Collapse:
    """Notices, once, that the effective number of niches has halved since its peak."""

    def __init__(self) -> None:
        self._peak, self._told = 0.0, False

    def seen_in(self, step: int, entropy: float) -> str | None:
        """The warning to give after a step whose niches have this entropy (in nats), or None."""
        if step < FIRST_STEPS or self._told:
            return None
        self._peak = max(self._peak, entropy)
        self._told = entropy < self._peak - log(2)
        return _warning(entropy, self._peak) if self._told else None


def _warning(now: float, peak: float) -> str:
    return (
        f"diversity collapses: the children fill {exp(now):.0f} niches as if evenly, at the peak it was {exp(peak):.0f}; "
        "mutate seeds again (seed_share), limit max_children, or use static-uniform"
    )
