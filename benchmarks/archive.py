"""
What an archive costs as it grows: `python benchmarks/archive.py`.

Inserts problems in batches of 64 into the MAP-Elites archive, as steps do, and into pyribs' `GridArchive` beside it: 320,000 in
all, the paper's scale, over 5,000 niches. Prints microseconds an insertion and the memory the archive holds, as it grows.
"""

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ribs.archives import GridArchive

import sparq_core as sparq
from sparq_mapelites import Archive

RESULTS = Path(__file__).parent / "results" / "archive.json"
PROBLEMS, BATCH, PARTS = 320_000, 64, 8
DIMS = (100, 50)


def main() -> None:
    rng = np.random.default_rng(1)
    measures, qualities = rng.uniform(0, 1, (PROBLEMS, 2)), rng.uniform(0, 1, PROBLEMS)
    report = {
        "sparq": grow(ours(measures, qualities)),
        "pyribs": grow(theirs(measures, qualities)),
    }
    print("| problems | sparq µs / insertion | pyribs µs / insertion | sparq MiB | pyribs MiB |\n|---|---|---|---|---|")
    for part in range(PARTS):
        a, b = report["sparq"][part], report["pyribs"][part]
        print(f"| {(part + 1) * PROBLEMS // PARTS:,} | {a[0]:.1f} | {b[0]:.1f} | {a[1]:.1f} | {b[1]:.1f} |")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def ours(measures: np.ndarray, qualities: np.ndarray) -> Callable[[int, int], None]:
    """Inserts, and computes the metrics of a step after each batch."""
    niches = sparq.Niches({"x": sparq.Axis(bins=DIMS[0]), "y": sparq.Axis(bins=DIMS[1])})
    archive = Archive(capacity=16)

    def add(first: int, last: int) -> None:
        for i in range(first, last):
            cell = niches.of({"x": measures[i, 0], "y": measures[i, 1]})
            id_ = f"1.{i // BATCH}.{i % BATCH}"
            archive.add(cell, id_, float(qualities[i]), sparq.derive(1, "lot", id_))
        archive.metrics()

    return add


def theirs(measures: np.ndarray, qualities: np.ndarray) -> Callable[[int, int], None]:
    archive = GridArchive(solution_dim=1, dims=DIMS, ranges=[(0, 1), (0, 1)])

    def add(first: int, last: int) -> None:
        archive.add(np.arange(first, last).reshape(-1, 1), qualities[first:last], measures[first:last])
        _ = archive.stats

    return add


def grow(add: Callable[[int, int], None]) -> list[tuple[float, float]]:
    """Microseconds an insertion and mebibytes held, part by part."""
    tracemalloc.start()
    found = []
    for part in range(PARTS):
        first, last = part * PROBLEMS // PARTS, (part + 1) * PROBLEMS // PARTS
        began = time.perf_counter()
        for start in range(first, last, BATCH):
            add(start, min(last, start + BATCH))
        seconds = time.perf_counter() - began
        found.append((1e6 * seconds / (last - first), tracemalloc.get_traced_memory()[0] / 2**20))
    tracemalloc.stop()
    return found


if __name__ == "__main__":
    main()
