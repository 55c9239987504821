"""
The reward under fire: `python benchmarks/reward.py [--calls 100000]`.

64 threads ask a reward of two workers for verdicts that are known in advance, while processes below this one are killed at
random. Each call must be answered once, with its own verdict or as unknown, never with another. Writes
`benchmarks/results/reward.json`. Takes some minutes.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from sparq_core.reward import Reward, trial_of

RESULTS = Path(__file__).parent / "results" / "reward.json"
THREADS = 64
PAUSE = 0.5, 4.0
"""Seconds between two kills."""
PIPELINE = "{name: r, steps: 1, models: {m: {use: scripted, model: none}}, plugins: [{use: sympy}]}"


class Killer(threading.Thread):
    """Kills a process below this one now and then."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.killed, self.over = Counter[str](), threading.Event()

    def run(self) -> None:
        rng = random.Random(1)
        while not self.over.wait(rng.uniform(*PAUSE)):
            below = psutil.Process().children(recursive=True)
            if below:
                with suppress(psutil.Error):
                    victim = rng.choice(below)
                    kind = "workers" if victim.ppid() == os.getpid() else "processes of the checker"
                    victim.send_signal(signal.SIGKILL)
                    self.killed[kind] += 1


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--calls", type=int, default=100_000)
    calls = options.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "pipeline.yaml")
        source.write_text(PIPELINE)
        with Reward(source) as reward:
            report = measured(reward, calls)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


def measured(reward: Reward, calls: int) -> dict[str, object]:
    rng = random.Random(2)
    right = [rng.random() < 0.5 for _ in range(calls)]

    def ask(number: int) -> str:
        said = number if right[number] else number + 1
        (verdict,) = reward.grade([trial_of(f"So it is \\boxed{{{said}}}.", answer=str(number))])
        if verdict.value == "unknown":
            return f"unknown: {verdict.reason}"
        return "as it is" if (verdict.value == "correct") is right[number] else "wrong"

    killer, began = Killer(), time.perf_counter()
    killer.start()
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(ask, range(calls)))
    seconds = time.perf_counter() - began
    killer.over.set()
    return {
        "calls": calls,
        "threads": THREADS,
        "answered": dict(Counter(answers)),
        "killed": dict(killer.killed),
        "calls a second": round(calls / seconds, 1),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


if __name__ == "__main__":
    main()
