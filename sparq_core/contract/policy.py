"""How many attempts a problem deserves: the contract of what the hook `policy` answers, and the paper's own rule."""

from collections.abc import Callable
from typing import Protocol

from sparq_core.contract.records import Counts, Outcome

Decide = Callable[[Counts], Outcome]
"""What a problem is, from the counts of its attempts alone: the method `decide` of the plugin that assesses."""


class Policy(Protocol):
    """
    Decides between waves of attempts. Thread-safe, and its answers follow from the arguments alone.

    `parents` is how the attempts at a problem's parents came out, summed: zeros for a seed, and for every problem where
    `of_parents` is False.
    """

    of_parents: bool
    """Whether it looks at `parents`; the ledger is asked for them only then."""

    def more(self, counts: Counts, parents: Counts) -> int:
        """Attempts of the next wave; 0 when there were enough. All waves together are at most K."""

    def gave_up(self, counts: Counts, parents: Counts) -> bool:
        """Whether attempts ended early because the problem would not be kept."""

    def solve_rate(self, counts: Counts, parents: Counts) -> float | None:
        """The unbiased solve rate that these counts say under this rule; None where nothing was decided."""


class AllAtOnce:
    """All K attempts in one wave (SPARQ section 2)."""

    of_parents = False

    def __init__(self, k: int) -> None:
        self._k = k

    def more(self, counts: Counts, parents: Counts) -> int:  # noqa: ARG002 -- as the protocol has it
        """What is left of K."""
        return self._k - counts.drawn

    def gave_up(self, counts: Counts, parents: Counts) -> bool:  # noqa: ARG002 -- as the protocol has it
        """Never."""
        return False

    def solve_rate(self, counts: Counts, parents: Counts) -> float | None:  # noqa: ARG002 -- as the protocol has it
        """Correct of decided."""
        return counts.solve_rate
