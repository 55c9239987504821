"""
How many attempts a problem gets: in waves, decided between them from the counts so far.

What a problem will be, `outcome`, is said by the plugin that assesses, from counts alone. A rate from a rule that stops early
is biased towards what made it stop; `Policy.solve_rate` undoes that.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache
from math import exp, lgamma

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.records import Counts, Outcome

Decide = Callable[[Counts], Outcome]
"""What a problem is, from the counts of its attempts."""


class Policy:
    """
    All K attempts in one wave, as in the paper.

    `more` says how many attempts the next wave has, 0 when there were enough.
    """

    def __init__(self, k: int) -> None:
        self.k = k

    def more(self, counts: Counts) -> int:
        """Attempts of the next wave."""
        return self.k - counts.drawn

    def gave_up(self, counts: Counts) -> bool:  # noqa: ARG002 -- a policy that stops early looks at them
        """Whether attempts ended early because the problem would not be kept."""
        return False

    def solve_rate(self, counts: Counts) -> float | None:
        """The solve rate that these counts say: correct of decided."""
        return counts.solve_rate


Prior = tuple[float, float]
"""Beta distribution of the solve rate."""


class Adaptive(Policy):
    """
    Waves until `enough` says stop; what is kept then gets the rest of its attempts, if it is to be `complete`.

    Where it is not, problems differ in how many attempts they have, and the rate is the unbiased one of the plan (Girshick,
    Mosteller and Savage 1946): of the orders in which these counts can come about under the rule, the share that begins with a
    correct attempt.
    """

    def __init__(self, config: AttemptsConfig, decide: Decide) -> None:
        super().__init__(config.k)
        self._config, self._decide = config, lru_cache(maxsize=None)(decide)
        self._paths = lru_cache(maxsize=None)(self._count_paths)

    def enough(self, counts: Counts) -> bool:
        """Whether further attempts are of no use."""
        raise NotImplementedError

    @property
    def first(self) -> int:
        """Attempts of the first wave."""
        return min(self.k, self._config.wave)

    def more(self, counts: Counts) -> int:
        left = self.k - counts.drawn
        if not counts.drawn:
            return min(left, self.first)
        if left and self.enough(counts):
            return left if self._config.complete and self.keeps(counts) else 0
        return min(left, self._config.wave)

    def keeps(self, counts: Counts) -> bool:
        """Whether a problem that has enough attempts is to be kept."""
        raise NotImplementedError

    def gave_up(self, counts: Counts) -> bool:
        return 0 < counts.drawn < self.k and (self._config.complete or not self.keeps(counts))

    def solve_rate(self, counts: Counts) -> float | None:
        if self._config.complete or counts.unknown or not counts.decided:
            return counts.solve_rate
        every, from_correct = self._paths(counts.correct, counts.incorrect)
        return from_correct / every if every else counts.solve_rate

    def _count_paths(self, correct: int, incorrect: int) -> tuple[int, int]:
        """Orders of the attempts that lead to these counts without stopping before, and those of them that begin correct."""
        if correct + incorrect == 1:
            return 1, correct
        every = from_correct = 0
        for before in ((correct - 1, incorrect), (correct, incorrect - 1)):
            if min(before) >= 0 and not self._ends_at(*before):
                one, two = self._paths(*before)
                every, from_correct = every + one, from_correct + two
        return every, from_correct

    def _ends_at(self, correct: int, incorrect: int) -> bool:
        """Whether a problem with these counts gets no further attempt; inside a wave it does."""
        drawn = correct + incorrect
        if (drawn - self.first) % self._config.wave or drawn < self.first:
            return False
        return self.enough(Counts(correct, incorrect))


class Settled(Adaptive):
    """Stops when no further attempts could change what the problem is: the same decision as all K, for less."""

    def enough(self, counts: Counts) -> bool:
        return len(self._possible(counts)) == 1

    def keeps(self, counts: Counts) -> bool:
        return self._possible(counts) == {"kept"}

    @cached_property
    def _possible(self) -> Callable[[Counts], set[Outcome]]:
        """What a problem may still become."""

        def possible(counts: Counts) -> set[Outcome]:
            left = self.k - counts.drawn
            return {
                self._decide(Counts(counts.correct + c, counts.incorrect + i, counts.unknown + left - c - i))
                for c in range(left + 1)
                for i in range(left + 1 - c)
            }

        return lru_cache(maxsize=None)(possible)


class Pilot(Adaptive):
    """A first wave; if its attempts all came out alike, that is all, else the rest follow at once."""

    @property
    def first(self) -> int:
        return min(self.k, self._config.pilot)

    def enough(self, counts: Counts) -> bool:
        return counts.drawn <= self.first and not (counts.correct and counts.incorrect)

    def keeps(self, counts: Counts) -> bool:
        return not self.enough(counts)

    def more(self, counts: Counts) -> int:
        left = self.k - counts.drawn
        if not counts.drawn:
            return min(left, self.first)
        return 0 if self.enough(counts) else left


class Bayes(Adaptive):
    """
    Optimal stopping: goes on while the next attempts cost less than what they may bring.

    A kept problem is worth `worth` attempts. The solve rate has a Beta `prior`; what is expected of each next wave follows
    from it, back from K (dynamic programming over counts). Without `complete` a problem may also be kept before K, if it is
    more likely than not in band, and is worth as much more as that is surer.
    """

    def enough(self, counts: Counts) -> bool:
        return self._plans(counts.unknown).stops(counts.correct, counts.incorrect)

    def keeps(self, counts: Counts) -> bool:
        return self._plans(counts.unknown).chance(counts.correct, counts.incorrect) > 1 / 2

    def __init__(self, config: AttemptsConfig, decide: Decide, prior: Prior) -> None:
        super().__init__(config, decide)
        self._plans = lru_cache(maxsize=None)(lambda unknown: Plan(config, self._decide, prior, unknown))


class Plan:
    """The optimal plan for problems of which `unknown` attempts are undecided."""

    def __init__(self, config: AttemptsConfig, decide: Decide, prior: Prior, unknown: int) -> None:
        self._config, self._prior = config, prior
        self._most = config.k - unknown
        self._kept = [decide(Counts(c, self._most - c, unknown)) == "kept" for c in range(self._most + 1)]
        self._value = lru_cache(maxsize=None)(self._best)
        self.chance = lru_cache(maxsize=None)(self._chance)

    def stops(self, correct: int, incorrect: int) -> bool:
        """Whether stopping is worth at least as much as going on."""
        if self._config.complete and self.chance(correct, incorrect) >= 1:
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
        if self._config.complete:
            return 0.0
        return max(0.0, self._config.worth * (2 * self.chance(correct, incorrect) - 1))

    def _best(self, correct: int, incorrect: int) -> float:
        if correct + incorrect >= self._most:
            return self._config.worth * self._kept[correct]
        return max(self._stopped(correct, incorrect), self._going_on(correct, incorrect))

    def _going_on(self, correct: int, incorrect: int) -> float:
        n = min(self._config.wave, self._most - correct - incorrect)
        return -n + sum(
            self._predicted(correct, incorrect, more, n) * self._value(correct + more, incorrect + n - more)
            for more in range(n + 1)
        )


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def prior_from(config: AttemptsConfig, correct: int, decided: int) -> Prior:
    """The prior of a problem whose parents were solved `correct` times of `decided`."""
    a, b = config.prior
    share = config.from_parents / decided if decided else 0.0
    return a + share * correct, b + share * (decided - correct)


def policy_of(config: AttemptsConfig, decide: Decide | None, prior: Prior | None = None) -> Policy:
    """The policy of a pipeline, by default with its own prior; K attempts where there is no `decide`."""
    if decide is None or config.policy == "fixed":
        return Policy(config.k)
    if config.policy == "bayes":
        return Bayes(config, decide, prior or config.prior)
    return {"settled": Settled, "pilot": Pilot}[config.policy](config, decide)
