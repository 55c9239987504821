"""Attempt policies: early stops that change nothing and estimates that are not biased."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from math import comb
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig
from sparq_core.contract.config import AttemptsConfig
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.pipeline.guards import Ration, Rationing
from sparq_core.testing import run_pipeline
from sparq_policies import Bayes, BayesConfig, Pilot, PilotConfig, Settled, SettledConfig
from sparq_policies.rules import OptimalStopping

VALUES = st.sampled_from(["correct", "incorrect", "unknown"])

ADAPTIVE = ("settled", "pilot", "bayes")


def band(k: int, correct: tuple[int, int] | None = None) -> Band:
    made = Band(BandConfig(correct=correct))
    made.set(k)
    return made


def run(k: int) -> sparq.Run:
    pipeline = sparq.Pipeline(name="p", steps=1, attempts=AttemptsConfig(k=k), models={}, plugins=[])
    return sparq.Run(pipeline=pipeline, base=Path(), folder=None, models={})


def policy(name: str, k: int = 16, parents: sparq.Counts = sparq.Counts(), **options: Any) -> Ration:  # noqa: B008
    """A problem's ration of k attempts; `wave` of a pilot is all that is left."""
    if name == "pilot":
        options.pop("wave", None)
    kinds: dict[str, tuple[Any, Any]] = {
        "settled": (Settled, SettledConfig),
        "pilot": (Pilot, PilotConfig),
        "bayes": (Bayes, BayesConfig),
    }
    plugin, config = kinds[name]
    plugin = plugin(config(**options))
    return Rationing(plugin.policy(run(k), band(k).decide)).ration(k, parents)


FIXED = Rationing().ration(16)


def draw(rule: Ration, outcomes: list[str]) -> sparq.Counts:
    """The counts a policy ends with if the attempts come out like this."""
    counts = sparq.Counts()
    while (n := rule.more(counts)) > 0:
        assert counts.drawn + n <= rule.most
        seen = Counter(outcomes[: counts.drawn + n])
        counts = sparq.Counts(seen["correct"], seen["incorrect"], seen["unknown"])
    return counts


def ends(rule: Ration, p: float) -> Iterator[tuple[sparq.Counts, float]]:
    """Every end a policy may come to for a solve rate, with its probability."""
    ahead = {(0, 0): 1.0}
    while ahead:
        following: defaultdict[tuple[int, int], float] = defaultdict(float)
        for (c, i), weight in ahead.items():
            counts = sparq.Counts(c, i)
            n = rule.more(counts)
            if n <= 0:
                yield counts, weight
                continue
            for more in range(n + 1):
                following[c + more, i + n - more] += weight * comb(n, more) * p**more * (1 - p) ** (n - more)
        ahead = dict(following)


@given(st.lists(VALUES, min_size=16, max_size=16), st.sampled_from([1, 2, 4, 5]), st.booleans())
@settings(deadline=None)
def test_settled_never_changes_what_a_problem_is(outcomes: list[str], wave: int, complete: bool) -> None:
    every = Counter(outcomes)
    whole = sparq.Counts(every["correct"], every["incorrect"], every["unknown"])
    counts = draw(policy("settled", wave=wave, complete=complete), outcomes)
    decide = band(16).decide
    assert (decide(counts) == "kept") == (decide(whole) == "kept")
    if complete and decide(whole) == "kept":
        assert counts == whole


@given(st.sampled_from(ADAPTIVE), st.lists(VALUES, min_size=16, max_size=16), st.sampled_from([1, 3, 4]))
@settings(deadline=None)
def test_what_is_kept_complete_has_all_its_attempts(name: str, outcomes: list[str], wave: int) -> None:
    rule = policy(name, wave=wave)
    counts = draw(rule, outcomes)
    if band(16).decide(counts) == "kept" and not rule.gave_up(counts):
        assert counts.drawn == 16


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("wave", [1, 3, 4])
@pytest.mark.parametrize("p", [0.03, 0.1, 0.3, 0.5, 0.77, 0.95])
def test_the_rate_of_a_stopped_problem_is_unbiased(name: str, wave: int, p: float) -> None:
    rule = policy(name, wave=wave, complete=False)
    reached = list(ends(rule, p))
    assert sum(weight for _, weight in reached) == pytest.approx(1)
    rates = [(rule.solve_rate(counts), weight) for counts, weight in reached]
    assert sum((rate or 0) * weight for rate, weight in rates) == pytest.approx(p, abs=1e-9)


def every_end(rule: Ration, p: float, unknown: float) -> Iterator[tuple[sparq.Counts, float]]:
    """Every end for a solve rate where attempts may be unknown, with its probability: exact, attempt by attempt."""
    chances = ((1 - unknown) * p, (1 - unknown) * (1 - p), unknown)
    ahead = {sparq.Counts(): 1.0}
    while ahead:
        following: defaultdict[sparq.Counts, float] = defaultdict(float)
        for counts, weight in ahead.items():
            n = rule.more(counts)
            if not n:
                yield counts, weight
                continue
            for c in range(n + 1):
                for i in range(n + 1 - c):
                    chance = comb(n, c) * comb(n - c, i) * chances[0] ** c * chances[1] ** i * chances[2] ** (n - c - i)
                    if chance:
                        following[counts + sparq.Counts(c, i, n - c - i)] += weight * chance
        ahead = dict(following)


PLANS = [
    ("settled", {"wave": 1}),
    ("settled", {"wave": 4}),
    ("pilot", {"first": 8}),
    ("bayes", {"wave": 1}),
    ("bayes", {"wave": 4}),
    ("bayes", {"wave": 3, "worth": 30.0}),
]


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("name", "options"), PLANS)
def test_the_rate_is_unbiased_whatever_is_unknown_or_drawn_to_the_end(
    name: str, options: dict[str, Any], complete: bool
) -> None:
    rule = policy(name, complete=complete, **options)
    for unknown in (0.0, 0.05, 0.2):
        for p in (0.05, 0.1, 0.3, 0.5, 0.9):
            reached = list(every_end(rule, p, unknown))
            assert sum(weight for _, weight in reached) == pytest.approx(1)
            rated = [(rule.solve_rate(counts), weight) for counts, weight in reached if counts.decided]
            decided = sum(weight for _, weight in rated)
            assert sum((rate or 0) * weight for rate, weight in rated) / decided == pytest.approx(p, abs=1e-9)


def test_the_plain_rate_of_what_bayes_drew_to_the_end_is_biased() -> None:
    rule = policy("bayes", complete=True)
    plain = sum((counts.solve_rate or 0) * weight for counts, weight in every_end(rule, 0.1, 0.0))
    assert plain == pytest.approx(0.0785, abs=1e-4)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(("name", "options"), PLANS)
def test_the_exported_interval_holds_the_exported_rate(name: str, options: dict[str, Any], complete: bool) -> None:
    """And the true rate at least nineteen times in twenty, where nothing is unknown."""
    rule = policy(name, complete=complete, **options)
    for unknown in (0.0, 0.2):
        for p in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.98):
            covered = 0.0
            for counts, weight in every_end(rule, p, unknown):
                rate = rule.solve_rate(counts)
                interval = solve_rate_interval(counts, rate)
                assert 0 <= interval.low <= interval.high <= 1
                assert rate is None or interval.low <= rate <= interval.high
                covered += weight * (interval.low <= p <= interval.high)
            assert covered >= 0.95


@given(st.sampled_from(["settled", "pilot", "bayes"]), st.booleans(), st.integers(4, 24), st.lists(VALUES, max_size=24))
@settings(deadline=None)
def test_the_interval_of_any_counts_holds_their_rate(name: str, complete: bool, k: int, outcomes: list[str]) -> None:
    """Also of counts that the rule does not come to, as another grading makes them."""
    seen = Counter(outcomes[:k])
    counts = sparq.Counts(seen["correct"], seen["incorrect"], seen["unknown"])
    rate = policy(name, k=k, complete=complete).solve_rate(counts)
    interval = solve_rate_interval(counts, rate)
    assert rate is None or interval.low <= rate <= interval.high


def test_a_long_plan_is_counted_without_deep_recursion() -> None:
    rule = policy("settled", k=400, wave=400)
    assert rule.solve_rate(sparq.Counts(3, 397)) == pytest.approx(3 / 400)


def test_the_plain_rate_of_a_stopped_problem_is_biased() -> None:
    rule = policy("settled", wave=1, complete=False)
    plain = sum((counts.solve_rate or 0) * weight for counts, weight in ends(rule, 0.3))
    assert abs(plain - 0.3) > 0.01


def test_bayes_is_the_best_plan_there_is() -> None:
    """Its expected gain, over its own prior, is no less than that of any rule that gives up below some count."""
    worth, prior = 60.0, (0.25, 0.25)

    def gain(rule: Ration) -> float:
        rng = Random(1)
        total = 0.0
        rates = [rng.betavariate(*prior) for _ in range(400)]
        for p in rates:
            for counts, weight in ends(rule, p):
                kept = band(16).decide(counts) == "kept" and not rule.gave_up(counts)
                total += weight * (worth * kept - counts.drawn)
        return total / len(rates)

    best = gain(policy("bayes", wave=4, worth=worth, prior=prior))
    assert best >= gain(FIXED)
    assert best >= gain(policy("settled", wave=4))
    assert all(best >= gain(policy("pilot", first=first)) - 1e-9 for first in (4, 8, 12))


@pytest.mark.parametrize("worth", [20.0, 60.0, 200.0])
def test_the_more_a_problem_is_worth_the_more_attempts_it_gets(worth: float) -> None:
    few, many = (policy("bayes", worth=w, wave=1) for w in (worth, 2 * worth))
    for p in (0.05, 0.2, 0.6):
        drawn = [sum(counts.drawn * weight for counts, weight in ends(rule, p)) for rule in (few, many)]
        assert drawn[0] <= drawn[1] + 1e-9


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("complete", [True, False])
def test_a_run_with_a_policy(sums: Any, tmp_path: Any, name: str, complete: bool) -> None:
    pipeline = sums()
    size = {"first": 4} if name == "pilot" else {"wave": 2}
    pipeline["plugins"].append({"use": name, "with": {**size, "complete": complete}})
    ran = run_pipeline(pipeline, tmp_path / "adaptive")
    whole = run_pipeline(sums(), tmp_path / "fixed")
    assert ran.ending.tally.attempts <= whole.ending.tally.attempts
    assert ran.ending.tally.attempts < whole.ending.tally.attempts or complete
    with ran.read() as ledger:
        kept = [s.child for s in ledger.solved() if not s.child.problem.is_seed]
    assert kept
    assert all(child.counts.drawn == 8 for child in kept) or not complete
    assert all(child.quality == pytest.approx(1 - (child.solve_rate or 0)) for child in kept)


def test_a_settled_run_keeps_what_a_fixed_one_keeps(sums: Any, tmp_path: Any) -> None:
    names: list[list[tuple[str, sparq.Counts]]] = []
    for policies in ([], [{"use": "settled", "with": {"wave": 2}}]):
        pipeline = sums()
        pipeline["plugins"] += policies
        ran = run_pipeline(pipeline, tmp_path / str(len(names)))
        with ran.read() as ledger:
            names.append([(s.child.problem.id, s.child.counts) for s in ledger.solved() if not s.child.problem.is_seed])
    assert names[0] == names[1]


def test_a_prior_takes_in_what_the_parents_came_to() -> None:
    def prior(from_parents: float, parents: sparq.Counts) -> tuple[float, float]:
        rule = OptimalStopping(16, band(16).decide, 4, complete=True, prior=(1.0, 1.0), from_parents=from_parents)
        assert rule.of_parents == bool(from_parents)
        return rule.prior(parents)

    assert prior(4.0, sparq.Counts(4, 12)) == (2.0, 4.0)
    assert prior(4.0, sparq.Counts()) == (1.0, 1.0)
    assert prior(0.0, sparq.Counts(4, 12)) == (1.0, 1.0)


def test_children_of_hopeless_parents_get_fewer_attempts() -> None:
    def drawn(parents: sparq.Counts) -> int:
        ration = policy("bayes", parents=parents, wave=1, from_parents=8.0)
        counts = sparq.Counts()
        while n := ration.more(counts):
            counts = sparq.Counts(0, counts.drawn + n)
        return counts.drawn

    assert drawn(sparq.Counts(0, 16)) < drawn(sparq.Counts(8, 8))
