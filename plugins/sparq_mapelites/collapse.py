"""The alarm of a search that drifts into a few niches, which no single step shows."""

from math import exp, log

FIRST_STEPS = 10
"""Steps of a round before its diversity says anything."""


class Collapse:
    """Notices, once, that the effective number of niches has halved since its peak."""

    def __init__(self) -> None:
        self.seen = (0.0, False)
        """The peak of the entropy, and whether the alarm was given."""

    def seen_in(self, step: int, entropy: float) -> str | None:
        """The warning to give after a step whose niches have this entropy (in nats), or None."""
        peak, told = self.seen
        if step < FIRST_STEPS or told:
            return None
        peak = max(peak, entropy)
        collapsed = entropy < peak - log(2)
        self.seen = (peak, collapsed)
        return _warning(entropy, peak) if collapsed else None


def _warning(now: float, peak: float) -> str:
    return (
        f"diversity collapses: the children fill {exp(now):.0f} niches as if evenly, at the peak it was {exp(peak):.0f}; "
        "mutate seeds again (seed_share), limit max_children, or use static-uniform"
    )
