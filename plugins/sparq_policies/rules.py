"""
The rules: attempts in waves, decided between them from the counts so far.

What a problem will be is said by the plugin that assesses, `decide`, from counts alone. A rate from a rule that stops early is
biased towards what made it stop; `solve_rate` undoes that.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from math import exp, lgamma

from msgspec import Struct

import sparq_core as sparq

Prior = tuple[float, float]
"""Beta distribution of the solve rate."""


ONE = (sparq.Counts(1, 0, 0), sparq.Counts(0, 1, 0), sparq.Counts(0, 0, 1))
"""What an attempt may come to."""


class Orders(Struct, frozen=True, gc=False):
    """How many orders of attempts come to some counts."""

    every: int = 0
    from_correct: int = 0
    """Those whose first decided attempt is correct."""

    def __add__(self, other: "Orders") -> "Orders":
        return Orders(self.every + other.every, self.from_correct + other.from_correct)

    def then(self, counts: sparq.Counts, one: sparq.Counts) -> "Orders":
        """These orders, which have come to `counts`, with one attempt more."""
        return Orders(self.every, self.from_correct if counts.decided else self.every * one.correct)


Ways = Mapping[tuple[sparq.Counts, bool], Orders]
"""Orders by the counts they have come to, and whether the rest of K is being drawn, come what may."""


class Rule:
    """
    Waves until `enough` says stop; what is kept then gets the rest of its attempts, if it is to be `complete`.

    The rate is the unbiased one of the plan (Girshick, Mosteller and Savage 1946): of the orders in which these counts can come
    about under the rule, the share whose first decided attempt is correct. It is unbiased over all problems of which any
    attempt is decided, those that were given up included. Counts that the rule cannot come to, as another grading may make
    them, have their plain rate.
    """

    of_parents = False

    def __init__(self, k: int, decide: sparq.Decide, first: int, wave: int, complete: bool) -> None:
        self.k, self._decide = k, lru_cache(maxsize=None)(decide)
        self._first, self._wave, self._complete = min(k, first), wave, complete
        self._orders = lru_cache(maxsize=None)(self._count_orders)

    def enough(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        """Whether further attempts are of no use."""
        raise NotImplementedError

    def keeps(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        """Whether a problem that has enough attempts is to be kept."""
        raise NotImplementedError

    def more(self, counts: sparq.Counts, parents: sparq.Counts) -> int:
        left = self.k - counts.drawn
        if not counts.drawn:
            return min(left, self._first)
        if left and self.enough(counts, parents):
            return left if self._complete and self.keeps(counts, parents) else 0
        return min(left, self._wave)

    def gave_up(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        return 0 < counts.drawn < self.k and (self._complete or not self.keeps(counts, parents))

    def solve_rate(self, counts: sparq.Counts, parents: sparq.Counts) -> float | None:
        if not counts.decided:
            return None
        orders = self._orders(counts, parents)
        return orders.from_correct / orders.every if orders.every else counts.solve_rate

    def _count_orders(self, end: sparq.Counts, parents: sparq.Counts) -> "Orders":
        """The orders of attempts in which the rule ends with these counts."""
        ways: Ways = {(sparq.Counts(), False): Orders(1, 0)}
        for _ in range(end.drawn):
            ways = self._one_longer(ways, end, parents)
        ends = (orders for (_, completing), orders in ways.items() if end.drawn == self.k or not completing)
        return sum(ends, Orders())

    def _one_longer(self, ways: "Ways", end: sparq.Counts, parents: sparq.Counts) -> "Ways":
        """The ways with one attempt more, as far as they still lead to `end`."""
        longer: defaultdict[tuple[sparq.Counts, bool], Orders] = defaultdict(Orders)
        for (counts, completing), orders in ways.items():
            stops = not completing and self._ends_at(counts, parents)
            if stops and not (self._complete and self.keeps(counts, parents)):
                continue
            for one in ONE:
                if _within(after := counts + one, end):
                    longer[after, completing or stops] += orders.then(counts, one)
        return longer

    def _ends_at(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        """Whether attempts are enough with these counts; inside a wave nobody asks."""
        if (counts.drawn - self._first) % self._wave or counts.drawn < self._first:
            return False
        return self.enough(counts, parents)


class WhenSettled(Rule):
    """Stops when no further attempts could change what the problem is."""

    def enough(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:  # noqa: ARG002 -- a rule's signature
        return len(self._possible(counts)) == 1

    def keeps(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:  # noqa: ARG002 -- a rule's signature
        return self._possible(counts) == {"kept"}

    @cached_property
    def _possible(self) -> Callable[[sparq.Counts], set[sparq.Outcome]]:
        """What a problem may still become."""

        def possible(counts: sparq.Counts) -> set[sparq.Outcome]:
            left = self.k - counts.drawn
            return {
                self._decide(sparq.Counts(counts.correct + c, counts.incorrect + i, counts.unknown + left - c - i))
                for c in range(left + 1)
                for i in range(left + 1 - c)
            }

        return lru_cache(maxsize=None)(possible)


class AfterPilot(Rule):
    """A first wave; if its attempts all came out alike, that is all, else the rest follow at once."""

    def enough(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:  # noqa: ARG002 -- a rule's signature
        return counts.drawn <= self._first and not (counts.correct and counts.incorrect)

    def keeps(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        return not self.enough(counts, parents)

    def more(self, counts: sparq.Counts, parents: sparq.Counts) -> int:
        left = self.k - counts.drawn
        if not counts.drawn:
            return min(left, self._first)
        return 0 if self.enough(counts, parents) else left


class OptimalStopping(Rule):
    """
    Goes on while the next attempts cost less than what they may bring.

    A kept problem is worth `worth` attempts. The solve rate has a Beta `prior`, to which the solve rate of the parents adds
    `from_parents` attempts; what is expected of each next wave follows from it, back from K (dynamic programming over counts).
    Without `complete` a problem may also be kept before K, if it is more likely than not in band, and is worth as much more as
    that is surer.
    """

    def __init__(
        self,
        k: int,
        decide: sparq.Decide,
        wave: int,
        complete: bool,
        *,
        prior: Prior,
        from_parents: float = 0.0,
        worth: float = 60.0,
    ) -> None:
        super().__init__(k, decide, wave, wave, complete)
        self._prior, self._from_parents, self.of_parents = prior, from_parents, from_parents > 0
        self._plans = lru_cache(maxsize=None)(
            lambda prior, unknown: Plan(k, wave, complete, worth, self._decide, prior, unknown)
        )

    def prior(self, parents: sparq.Counts) -> Prior:
        """The prior of a problem whose parents' attempts came out like this."""
        a, b = self._prior
        share = self._from_parents / parents.decided if parents.decided else 0.0
        return a + share * parents.correct, b + share * parents.incorrect

    def enough(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        return self._plan(counts, parents).stops(counts.correct, counts.incorrect)

    def keeps(self, counts: sparq.Counts, parents: sparq.Counts) -> bool:
        return self._plan(counts, parents).chance(counts.correct, counts.incorrect) > 1 / 2

    def _plan(self, counts: sparq.Counts, parents: sparq.Counts) -> "Plan":
        plan: Plan = self._plans(self.prior(parents), counts.unknown)
        return plan


class Plan:
    """The optimal plan for problems of which `unknown` attempts are undecided."""

    def __init__(
        self, k: int, wave: int, complete: bool, worth: float, decide: sparq.Decide, prior: Prior, unknown: int
    ) -> None:
        self._wave, self._complete, self._worth, self._prior = wave, complete, worth, prior
        self._most = k - unknown
        self._kept = [decide(sparq.Counts(c, self._most - c, unknown)) == "kept" for c in range(self._most + 1)]
        self._value = lru_cache(maxsize=None)(self._best)
        self.chance = lru_cache(maxsize=None)(self._chance)

    def stops(self, correct: int, incorrect: int) -> bool:
        """Whether stopping is worth at least as much as going on."""
        if self._complete and self.chance(correct, incorrect) >= 1:
            return True
        return self._stopped(correct, incorrect) >= self._going_on(correct, incorrect)

    def _chance(self, correct: int, incorrect: int) -> float:
        """Probability that the problem is kept once all attempts are drawn."""
        left = self._most - correct - incorrect
        chances = (
            self._predicted(correct, incorrect, more, left) for more in range(left + 1) if self._kept[correct + more]
        )
        possible = [self._kept[correct + more] for more in range(left + 1)]
        return 1.0 if all(possible) else sum(chances)

    def _predicted(self, correct: int, incorrect: int, more: int, n: int) -> float:
        """Beta-binomial probability of `more` correct among the next n."""
        a, b = self._prior[0] + correct, self._prior[1] + incorrect
        ways = lgamma(n + 1) - lgamma(more + 1) - lgamma(n - more + 1)
        return exp(ways + _log_beta(a + more, b + n - more) - _log_beta(a, b))

    def _stopped(self, correct: int, incorrect: int) -> float:
        if self._complete:
            return 0.0
        return max(0.0, self._worth * (2 * self.chance(correct, incorrect) - 1))

    def _best(self, correct: int, incorrect: int) -> float:
        if correct + incorrect >= self._most:
            return self._worth * self._kept[correct]
        return max(self._stopped(correct, incorrect), self._going_on(correct, incorrect))

    def _going_on(self, correct: int, incorrect: int) -> float:
        n = min(self._wave, self._most - correct - incorrect)
        return -n + sum(
            self._predicted(correct, incorrect, more, n) * self._value(correct + more, incorrect + n - more)
            for more in range(n + 1)
        )


def _within(counts: sparq.Counts, end: sparq.Counts) -> bool:
    """Whether further attempts may lead from some counts to others."""
    return counts.correct <= end.correct and counts.incorrect <= end.incorrect and counts.unknown <= end.unknown


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
