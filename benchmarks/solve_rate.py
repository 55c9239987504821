"""
What each attempt policy costs and keeps: `python benchmarks/solve_rate.py DATA/synthetic_solve_rates.jsonl`.

Replays 3,500 real counts of 16 attempts. The attempts of a problem are taken in random order, exactly: every order is equally
likely, so a policy's cost is a sum over hypergeometric draws, without noise. Per policy and mode: attempts a problem, attempts
a kept problem, the share of what fixed K keeps that is retained, how many of what is kept fixed K keeps, and the mean solve
rate of what is kept. `bayes` has its prior fitted on one half of the problems and is reported on the other, both ways round.

Writes `benchmarks/results/solve_rate.json`, and a plot `solve_rate.svg` beside it where matplotlib is installed. Takes seconds.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import comb, lgamma
from pathlib import Path
from random import Random
from typing import Any

import sparq_core as sparq
from sparq_assess.band import Band, BandConfig, band_of
from sparq_core.contract.config import AttemptsConfig
from sparq_core.pipeline.guards import Ration, Rationing
from sparq_policies import Bayes, BayesConfig, Pilot, PilotConfig, Settled, SettledConfig

RESULTS = Path(__file__).parent / "results"
K = 16
LOW, HIGH = band_of(None, K)
WORTHS = (24, 30, 36, 42, 48, 54, 60, 70, 80, 100, 130, 170, 240)
FITTED = 60


def main() -> None:
    counts = [round(K * json.loads(line)["solve_rate_16"]) for line in Path(sys.argv[1]).read_text().splitlines()]
    kept = sum(LOW <= c <= HIGH for c in counts)
    print(f"{len(counts):,} problems, {kept:,} in the band {LOW} to {HIGH} of {K}\n")
    header = "| policy | mode | attempts / problem | attempts / kept | retained | agree | mean rate of kept |"
    print(f"{header}\n|{'---|' * 7}")
    report: dict[str, Any] = {"fixed": show("fixed", "", measure(Rationing().ration(K), counts))}
    for complete in (True, False):
        mode = "complete" if complete else "stopped"
        for wave in (1, 4):
            name = f"settled, waves of {wave}"
            report[f"{name}, {mode}"] = show(
                name, mode, measure(ration(Settled(SettledConfig(wave=wave, complete=complete))), counts)
            )
        for pilot in (4, 8):
            name = f"pilot of {pilot}"
            report[f"{name}, {mode}"] = show(
                name, mode, measure(ration(Pilot(PilotConfig(first=pilot, complete=complete))), counts)
            )
        for wave in (1, 2, 4):
            name = f"bayes, worth {FITTED}, default prior, waves of {wave}"
            rule = ration(Bayes(BayesConfig(wave=wave, worth=FITTED, complete=complete)))
            report[f"{name}, {mode}"] = show(name, mode, measure(rule, counts))
        name = "bayes, fitted on the other half"
        report[f"{name}, {mode}"] = show(name, mode, cross_fitted(counts, complete=complete))
    frontiers = {mode: frontier(counts, complete=mode == "complete") for mode in ("complete", "stopped")}
    report["frontier"] = frontiers
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "solve_rate.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(report, frontiers)


def ration(plugin: Any) -> Ration:
    """How many attempts a policy gives a problem, with the paper's band."""
    band = Band(BandConfig())
    band.set(K)
    attempts = AttemptsConfig(k=K)
    pipeline = sparq.Pipeline(name="replay", steps=1, attempts=attempts, models={}, plugins=[])
    run = sparq.Run(pipeline=pipeline, base=Path(), folder=None, models={})
    return Rationing(plugin.policy(run=run, decide=band.decide)).ration(K)


def measure(rule: Ration, counts: Sequence[int]) -> dict[str, float]:
    """Cost and yield of a policy on problems with these counts of K."""
    drawn = kept = both = rate = 0.0
    for total, problems in Counter(counts).items():
        for (correct, incorrect), weight in ends(rule, total).items():
            end = sparq.Counts(correct, incorrect)
            drawn += problems * weight * end.drawn
            if in_band(end) and not rule.gave_up(end):
                kept += problems * weight
                both += problems * weight * (LOW <= total <= HIGH)
                rate += problems * weight * (rule.solve_rate(end) or 0)
    keepers = sum(LOW <= c <= HIGH for c in counts)
    return {
        "attempts": drawn / len(counts),
        "per kept": drawn / kept,
        "retained": both / keepers,
        "agree": both / kept,
        "mean rate": rate / kept,
    }


def ends(rule: Ration, total: int) -> dict[tuple[int, int], float]:
    """Where a policy ends, with its probability, on a problem with `total` correct of K, in random order."""
    ended: dict[tuple[int, int], float] = {}
    ahead = {(0, 0): 1.0}
    while ahead:
        following: defaultdict[tuple[int, int], float] = defaultdict(float)
        for (c, i), weight in ahead.items():
            n = rule.more(sparq.Counts(c, i))
            if n <= 0:
                ended[c, i] = ended.get((c, i), 0.0) + weight
                continue
            right, wrong = total - c, K - total - i
            for more in range(max(0, n - wrong), min(n, right) + 1):
                chance = comb(right, more) * comb(wrong, n - more) / comb(right + wrong, n)
                following[c + more, i + n - more] += weight * chance
        ahead = dict(following)
    return ended


def in_band(counts: sparq.Counts) -> bool:
    return LOW * counts.decided <= counts.correct * K <= HIGH * counts.decided


def halves(counts: Sequence[int]) -> list[list[int]]:
    order = list(counts)
    Random(0).shuffle(order)
    return [order[::2], order[1::2]]


def cross_fitted(counts: Sequence[int], *, complete: bool) -> dict[str, float]:
    """The mean of both halves, each under the prior and the worth that the other half suggests at 91% retained."""
    found = []
    for mine, other in zip(halves(counts), reversed(halves(counts)), strict=True):
        prior = fitted(other)
        rules = [ration(Bayes(BayesConfig(wave=1, worth=w, prior=prior, complete=complete))) for w in WORTHS]
        enough = [rule for rule in rules if measure(rule, other)["retained"] >= 0.91]
        found.append(measure(min(enough, key=lambda rule: measure(rule, other)["per kept"]), mine))
    return {key: sum(part[key] for part in found) / len(found) for key in found[0]}


def fitted(counts: Sequence[int]) -> tuple[float, float]:
    """The Beta prior under which these counts are most likely, on a grid."""
    seen = Counter(counts)

    def likelihood(a: float, b: float) -> float:
        return sum(n * (log_beta(a + c, b + K - c) - log_beta(a, b)) for c, n in seen.items())

    grid = [k / 20 for k in range(2, 31)]
    return max(((a, b) for a in grid for b in grid), key=lambda prior: likelihood(*prior))


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def frontier(counts: Sequence[int], *, complete: bool) -> dict[str, list[dict[str, float]]]:
    """Costs over retention: the default prior, and the bound, a prior fitted on the very counts."""
    priors = {"default prior": (0.25, 0.25), "fitted to these counts": fitted(counts)}
    return {
        name: [
            measure(ration(Bayes(BayesConfig(wave=1, worth=w, prior=prior, complete=complete))), counts) for w in WORTHS
        ]
        for name, prior in priors.items()
    }


def show(name: str, mode: str, row: dict[str, float]) -> dict[str, float]:
    print(
        f"| {name} | {mode} | {row['attempts']:.2f} | {row['per kept']:.1f} | {row['retained']:.1%} | {row['agree']:.1%} |"
        f" {row['mean rate']:.3f} |"
    )
    return row


def plot(report: dict[str, Any], frontiers: dict[str, dict[str, list[dict[str, float]]]]) -> None:
    """Attempts a kept problem over the share retained."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True)
    for axis, mode in zip(axes, ("complete", "stopped"), strict=True):
        for name, rows in frontiers[mode].items():
            line = sorted((row["retained"], row["per kept"]) for row in rows)
            axis.plot(*zip(*line, strict=True), marker=".", label=f"bayes, {name}")
        for name, row in report.items():
            if name == "fixed" or (name.endswith(mode) and name.startswith(("settled", "pilot"))):
                axis.plot(row["retained"], row["per kept"], "kx")
                axis.annotate(name.removesuffix(f", {mode}"), (row["retained"], row["per kept"]), fontsize=7)
        axis.set(title=mode, xlabel="share of fixed-K keepers retained", xlim=(0.75, 1.02))
        axis.legend(fontsize=7)
    axes[0].set_ylabel("attempts a kept problem")
    figure.tight_layout()
    figure.savefig(RESULTS / "solve_rate.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
