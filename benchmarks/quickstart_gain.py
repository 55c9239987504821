"""
What generating problems buys, beyond training on attempts at the seeds: `python benchmarks/quickstart_gain.py`.

For each seed two arms start from the same model. *SPARQ* is `examples/quickstart.yaml`. *Control* spends the same number of
attempts on the forty seeds themselves, and trains with the same trainer for the same number of optimizer steps. Both are
scored on the same problems as the base model; pass@16 at temperature 1 says what the base model could reach.

Takes about seven minutes a seed on two cores. Writes `benchmarks/results/quickstart_gain.json` and prints the tables.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

import sparq_core as sparq
from sparq_core.contract.config import ATTEMPT_PROMPT
from sparq_core.ledger.intervals import mean_difference, proportion

ROOT = Path(__file__).parent.parent
QUICKSTART = ROOT / "examples" / "quickstart.yaml"
RESULTS = ROOT / "benchmarks" / "results" / "quickstart_gain.json"
TASKS = ("in_distribution", "out_of_distribution")
SAMPLES = 16

REPEAT = '''
import sparq_core as sparq


class Repeat:
    """Proposes the parents themselves: attempts are spent on the seeds, no problem is written."""

    @sparq.hookimpl
    def propose(self, parents):
        return [
            sparq.Draft(statement=p.statement, answer=p.answer, solution=p.solution, parents=(p.id,), operator="repeat")
            for p in parents
        ]
'''


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    options.add_argument("--runs", type=Path, help="where the runs go [default: a temporary folder]")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = given.runs or Path(scratch)
        runs.mkdir(parents=True, exist_ok=True)
        arms = [compare_arms(seed, runs) for seed in given.seeds]
        report = {"arms": arms, "pass_at_16": pass_at_k()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1))
    show(report)


def compare_arms(seed: int, runs: Path) -> dict[str, Any]:
    """Both arms of one seed: scores by task and item, and what the arms cost."""
    sparq_run = run(QUICKSTART, runs / f"sparq-{seed}", seed)
    examples = lines(sparq_run / "dataset" / "round-1.jsonl")
    pipeline = yaml.safe_load(QUICKSTART.read_text())
    steps = math.ceil(examples / option(pipeline, "sft", "batch_size") * option(pipeline, "sft", "epochs", 1))
    control_run = run(control(pipeline, runs, steps), runs / f"control-{seed}", seed)
    result: dict[str, Any] = {"seed": seed, "optimizer_steps": steps}
    for arm, folder in (("sparq", sparq_run), ("control", control_run)):
        with sparq.Reader.open(folder) as ledger:
            result[arm] = {
                "scores": by_task(ledger.scores(1)),
                "attempts": ledger.tally().attempts,
                "examples": lines(folder / "dataset" / "round-1.jsonl"),
            }
            result["base"] = {"scores": by_task(ledger.scores(0))}
    return result


def control(pipeline: dict[str, Any], runs: Path, steps: int) -> Path:
    """The quickstart with the seeds in place of children, and a fixed number of optimizer steps."""
    (runs / "repeat.py").write_text(REPEAT)
    plugins = [
        {"use": "./repeat.py:Repeat"} if entry["use"] == "mutate" else entry
        for entry in pipeline["plugins"]
        if entry["use"] != "duplicates"
    ]
    for entry in plugins:
        for name in ("path", "include"):
            if name in entry.get("with", {}):
                entry["with"][name] = str(QUICKSTART.parent / entry["with"][name])
        if entry["use"] == "sft":
            entry["with"]["max_steps"] = steps
    path = runs / f"control-{steps}.yaml"
    path.write_text(yaml.safe_dump({**pipeline, "name": "control", "plugins": plugins}))
    return path


def run(pipeline: Path, folder: Path, seed: int) -> Path:
    """Run a pipeline into a folder, or go on with what is there."""
    command = [sys.executable, "-m", "sparq_core.cli", "run", str(pipeline), "--out", str(folder), "--resume"]
    print(f"… {folder.name}", file=sys.stderr, flush=True)
    subprocess.run([*command, "--set", f"seed={seed}"], check=True, stdout=subprocess.DEVNULL)
    return folder


def subsets() -> dict[str, list[int]]:
    """Parts of the benchmarks, as positions in their files, by task and what is special about them."""
    data = {name: rows(name) for name in ("seeds", *TASKS)}
    known = {row["kind"] for row in data["seeds"]}
    found: dict[str, list[int]] = {}
    for i, row in enumerate(data["in_distribution"]):
        kinds = "kinds of story among the seeds" if row["kind"] in known else "kinds of story not among the seeds"
        found.setdefault(f"in_distribution: {kinds}", []).append(i)
    for i, row in enumerate(data["out_of_distribution"]):
        found.setdefault(f"out_of_distribution: {row['shift']}", []).append(i)
    return found


def rows(name: str) -> list[dict[str, str]]:
    """A file of the quickstart."""
    return [json.loads(line) for line in (QUICKSTART.parent / "quickstart" / f"{name}.jsonl").read_text().splitlines()]


def pass_at_k() -> dict[str, list[float]]:
    """For each benchmark problem, whether the base model solves it in one of sixteen samples at temperature 1."""
    from sparq_hf import HfConfig, HfSampler
    from sparq_tiny import MODEL

    sampler = HfSampler(HfConfig(batch_size=512)).sampler(sparq.Model(name="base", path=str(MODEL), digest=""))
    solved = {}
    for task in TASKS:
        problems = [sparq.Problem(id="1.1.0", statement=row["problem"], answer=row["answer"]) for row in rows(task)]
        requests = [
            sparq.Request(
                messages=(sparq.Message("user", sparq.render(ATTEMPT_PROMPT, "attempts.prompt", problem=problem)),),
                seed=sparq.derive("pass@16", task, i),
                n=SAMPLES,
                sampling=sparq.Sampling(max_tokens=96),
            )
            for i, problem in enumerate(problems)
        ]
        solved[task] = [
            float(any(sparq.last_boxed(c.text) == problem.answer for c in samples))
            for problem, samples in zip(problems, sampler.sample(requests), strict=True)
        ]
    sampler.close()
    return solved


def show(report: dict[str, Any]) -> None:
    """Tables in Markdown: a row for each seed."""
    for task in TASKS:
        reach = 100 * proportion(report["pass_at_16"][task]).mean
        print(f"\n### {task}: percent right, greedy; base pass@16 {reach:.1f}\n")
        print("| seed | base | control | SPARQ | SPARQ − base | SPARQ − control | SPARQ / base | gap closed |")
        print("|---|---|---|---|---|---|---|---|")
        for arm in report["arms"]:
            base, ctl, own = (list(arm[name]["scores"][task].values()) for name in ("base", "control", "sparq"))
            means = [100 * sum(values) / len(values) for values in (base, ctl, own)]
            gains = [interval(other, own) for other in (base, ctl)]
            ratio, closed = means[2] / max(means[0], 1e-9), (means[2] - means[0]) / max(reach - means[0], 1e-9)
            cells = [*(f"{mean:.1f}" for mean in means), *gains, f"{ratio:.2f}", f"{closed:.0%}"]
            print(f"| {arm['seed']} | " + " | ".join(cells) + " |")
    print("\n### Parts of the benchmarks: percent right, mean of the seeds\n")
    print("| part | problems | base | control | SPARQ |")
    print("|---|---|---|---|---|")
    for part, items in subsets().items():
        task = part.partition(":")[0]
        cells = []
        for name in ("base", "control", "sparq"):
            values = [arm[name]["scores"][task][str(i)] for arm in report["arms"] for i in items]
            cells.append(f"{100 * sum(values) / len(values):.1f}")
        print(f"| {part} | {len(items)} | " + " | ".join(cells) + " |")
    for arm in report["arms"]:
        costs = [
            f"{name} {arm[name]['attempts']:,} attempts, {arm[name]['examples']:,} examples"
            for name in ("sparq", "control")
        ]
        print(f"\nseed {arm['seed']}: {'; '.join(costs)}; {arm['optimizer_steps']} optimizer steps each")


def interval(before: list[float], after: list[float]) -> str:
    """A paired difference in points with its 95% interval."""
    d = mean_difference(before, after)
    return f"{100 * d.mean:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f})"


def by_task(scores: list[sparq.Score]) -> dict[str, dict[str, float]]:
    """Scores by task and item, in a fixed order."""
    return {task: {s.item: s.value for s in scores if s.task == task} for task in TASKS}


def option(pipeline: dict[str, Any], use: str, name: str, default: Any = None) -> Any:
    """One option of a plugin in a pipeline."""
    return next(entry for entry in pipeline["plugins"] if entry["use"] == use).get("with", {}).get(name, default)


def lines(path: Path) -> int:
    """How many lines a file has."""
    return path.read_text().count("\n")


if __name__ == "__main__":
    main()
