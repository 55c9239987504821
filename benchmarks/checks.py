"""
What holding plugins to their contracts costs: `python benchmarks/checks.py [--steps 4]`.

Runs steps of 64 parents and 16 attempts on the model of the quickstart, one step at a time, and clocks every check of what a
plugin answers (types, lengths, values, copies, unchanged inputs) by the processor time of the thread that makes it. The ratio
is to the wall clock of the same steps. A model of two million parameters is the hardest case that is still real: any larger
one makes the step longer and the checks no dearer. Beside it the scripted sampler, whose steps take the engine's own time only.

Writes `benchmarks/results/checks.json`. Takes a minute or two.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

os.environ["HF_HUB_OFFLINE"] = "1"

from sparq_core.pipeline import cast, checks, guards
from sparq_core.testing import run_pipeline

RESULTS = Path(__file__).parent / "results"
QUICKSTART = Path(__file__).parents[1] / "examples" / "quickstart.yaml"
spent: dict[str, float] = {}


def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] = spent.get(name, 0.0) + time.thread_time() - began

    return call


def clock_everything() -> None:
    """Only calls from outside the checks are clocked, so that none counts twice."""
    for name in ("aligned", "copied", "records", "finite", "plain"):
        for module in (cast, guards):
            if hasattr(module, name):
                setattr(module, name, clocked(name, getattr(checks, name)))
    for name in ("__init__", "check"):
        setattr(checks.Untouched, name, clocked("untouched", getattr(checks.Untouched, name)))


def measure(pipeline: dict[str, Any], steps: int) -> dict[str, float]:
    """Seconds a step as a whole, and of its checks; the seeds' steps are left out of both."""
    began: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        ran = run_pipeline({**pipeline, "steps": 1, "name": "warm"}, Path(folder) / "warm")
        spent.clear()
        began.append(time.perf_counter())
        more = run_pipeline({**pipeline, "steps": steps, "name": "run"}, Path(folder) / "run")
        wall = more.ending.tally.seconds
        attempts = more.ending.tally.attempts
        del ran
    inside = sum(spent.values())
    return {
        "steps": steps,
        "attempts": attempts,
        "seconds a step": wall / steps,
        "checks, ms a step": 1000 * inside / steps,
        "share": inside / wall,
        **{f"{name}, ms a step": 1000 * seconds / steps for name, seconds in sorted(spent.items())},
    }


def quickstart() -> dict[str, Any]:
    pipeline: dict[str, Any] = yaml.safe_load(QUICKSTART.read_text())
    pipeline["plugins"] = [p for p in pipeline["plugins"] if p["use"] not in {"sft", "lm-eval", "curate-band", "band"}]
    pipeline["plugins"][0]["with"]["path"] = str(QUICKSTART.parent / pipeline["plugins"][0]["with"]["path"])
    return {**pipeline, "batch": 64, "in_flight": 1, "attempts": {"k": 16, "max_tokens": 96}}


def scripted() -> dict[str, Any]:
    pipeline = quickstart()
    pipeline["models"] = {"student": {"use": "scripted", "model": "sums"}}
    return pipeline


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=4)
    steps = parser.parse_args().steps
    clock_everything()
    report = {"quickstart's model": measure(quickstart(), steps), "scripted": measure(scripted(), 5 * steps)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "checks.json").write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
