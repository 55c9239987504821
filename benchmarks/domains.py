"""
What one round buys in the example domains that have a model of their own: `python benchmarks/domains.py`.

Each `plugin_examples/*/learn.yaml` runs once a seed: the model writes problems, attempts them, is trained on what the domain
verified, and answers the held-out questions before and after. Differences are paired by item. Over all seeds, an item counts
once, with its mean.

Writes `benchmarks/results/domains.json` and prints its table.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_core.ledger.intervals import mean_difference

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "domains.json"
PIPELINES = {path.parent.name: path for path in sorted((ROOT / "plugin_examples").glob("*/learn.yaml"))}
TASKS = ("held_out pass@1", "held_out pass@8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("domains", nargs="*", default=list(PIPELINES))
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options.add_argument("--runs", type=Path, help="where the runs go [default: a temporary folder]")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = given.runs or Path(scratch)
        report = {d: [measure(d, seed, runs / f"{d}-{seed}") for seed in given.seeds] for d in given.domains}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    show(report)


def measure(domain: str, seed: int, folder: Path) -> dict[str, Any]:
    """One run: what became of its problems, and the scores by task and item before and after."""
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(PIPELINES[domain]), "--out", str(folder), "--resume"]
    print(f"… {folder.name}", file=sys.stderr, flush=True)
    subprocess.run([*command, "--set", f"seed={seed}"], check=True, stdout=subprocess.DEVNULL)
    with sparq.Reader.open(folder) as ledger:
        tally = ledger.tally()
        before, after = (by_task(ledger.scores(round_)) for round_ in (0, 1))
    return {
        "seed": seed,
        "outcomes": dict(tally.outcomes),
        "attempts": tally.attempts,
        "examples": (folder / "dataset" / "round-1.jsonl").read_text(encoding="utf-8").count("\n"),
        "before": before,
        "after": after,
    }


def by_task(scores: list[sparq.Score]) -> dict[str, list[float]]:
    """Scores by task, in the order of items."""
    return {task: [s.value for s in scores if s.task == task] for task in TASKS}


def show(report: dict[str, Any]) -> None:
    """A row for each seed, and one for all."""
    for task in TASKS:
        print(f"\n{task}, percent\n\n| domain | seed | children kept | before | after | after − before |")
        print("|---|---|---|---|---|---|")
        for domain, seeds in report.items():
            for one in seeds:
                print(line(domain, str(one["seed"]), one["outcomes"]["kept"], one["before"][task], one["after"][task]))
            kept = sum(one["outcomes"]["kept"] for one in seeds)
            before, after = (item_means([one[when][task] for one in seeds]) for when in ("before", "after"))
            print(line(domain, "all", kept, before, after))


def item_means(seeds: list[list[float]]) -> list[float]:
    """The mean of each item over seeds: answers to one item are not independent of each other."""
    return [statistics.mean(values) for values in zip(*seeds, strict=True)]


def line(domain: str, seed: str, kept: int, before: list[float], after: list[float]) -> str:
    d = mean_difference(before, after)
    means = " | ".join(f"{100 * sum(values) / len(values):.1f}" for values in (before, after))
    return f"| {domain} | {seed} | {kept} | {means} | {100 * d.mean:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f}) |"


if __name__ == "__main__":
    main()
