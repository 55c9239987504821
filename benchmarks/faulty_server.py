"""
What faults cost: `python benchmarks/faulty_server.py`, three to five minutes.

Whole runs of at least 10,000 attempts through `openai`, against a server in another process that answers each request after
the same time: in turn without faults, and with one request in five meeting a fault, of six kinds evenly: dropped connections,
answers after the time is up, 429 with `Retry-After`, 500, malformed JSON, bodies cut half-way. Each run's ledger must add up,
hold no attempt twice, and hold the attempts of a run without a server, text by text. Throughput is attempts a second.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sparq_core.ledger.conservation import check_conservation
from sparq_core.testing import Ran, run_pipeline

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "faulty_server.json"
PAIRS, SHARE = 5, 0.2
LATENCY, TIMEOUT, BACKOFF = 0.25, 0.6, 0.1
"""Seconds: those of a real model, a tenth of everything."""
CONCURRENCY = [32, 32]
LEAST = 10_000
PIPELINE = {
    "name": "faulty",
    "seed": 1,
    "steps": 46,
    "batch": 32,
    "in_flight": 24,
    "attempts": {"k": 8},
    "plugins": [
        {"use": "jsonl-seeds", "with": {"path": "seeds.jsonl"}},
        {"use": "static-uniform"},
        {"use": "mutate"},
        {"use": "sympy"},
    ],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        expected = attempts(run_pipeline(pipeline(Path(folder), {"use": "scripted"}), Path(folder) / "scripted"))
        assert len(expected) >= LEAST
        pairs = [
            [measure(Path(folder) / f"{i}-{share}", share, expected) for share in (0.0, SHARE)] for i in range(PAIRS)
        ]
    ratios = [faulty["rate"] / clean["rate"] for clean, faulty in pairs]
    report = {
        "attempts": len(expected),
        "share": SHARE,
        "pairs": pairs,
        "ratios": ratios,
        "median ratio": statistics.median(ratios),
    }
    print("| | requests | faults | attempts / s |\n|---|---|---|---|")
    for name, rows in zip(("faultless", f"{SHARE:.0%} faults"), zip(*pairs, strict=True), strict=True):
        middle = [statistics.median(row[key] for row in rows) for key in ("requests", "faults", "rate")]
        print(f"| {name} | {middle[0]:,.0f} | {middle[1]:,.0f} | {middle[2]:,.0f} |")
    print(f"\n{len(expected):,} attempts each, {PAIRS} pairs: ratio {report['median ratio']:.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def measure(folder: Path, share: float, expected: dict[tuple[str, int], tuple[int, str]]) -> dict[str, Any]:
    """One run; AssertionError or SparqError where anything of it is not as it should be."""
    with serving({"share": share, "latency": LATENCY, "slow": 4 * LATENCY, "retry_after": "1"}) as (url, met):
        options = {"base_url": url, "timeout": TIMEOUT, "backoff": BACKOFF, "concurrency": CONCURRENCY}
        written = pipeline(folder.parent, {"use": "openai", "with": options})
        began = time.perf_counter()
        ran = run_pipeline(written, folder)
        seconds = time.perf_counter() - began
    with ran.read() as ledger:
        check_conservation(ledger, ledger.tally())
    assert attempts(ran) == expected
    faults = sum(n for kind, n in met.items() if kind != "none")
    return {
        "share": share,
        "seconds": seconds,
        "rate": len(expected) / seconds,
        "requests": sum(met.values()),
        "faults": faults,
        "met": met,
    }


def pipeline(folder: Path, model: dict[str, Any]) -> dict[str, Any]:
    seeds = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
    (folder / "seeds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in seeds))
    plugins = [{"use": "jsonl-seeds", "with": {"path": str(folder / "seeds.jsonl")}}, *PIPELINE["plugins"][1:]]
    return {**PIPELINE, "models": {"student": {"model": "sums", **model}}, "plugins": plugins}


def attempts(ran: Ran) -> dict[tuple[str, int], tuple[int, str]]:
    """Seed and text of every attempt, by problem and k; AssertionError where one is there twice or has no one verdict."""
    with ran.read() as ledger:
        verdicts = [n for (n,) in ledger.query("SELECT count(*) FROM verdict GROUP BY attempt")]
        problems = [problem for (problem,) in ledger.query("SELECT DISTINCT problem FROM attempt")]
        rows = [
            ((problem, judged.attempt.k), (judged.attempt.seed, judged.attempt.text))
            for problem in problems
            for judged in ledger.judged(problem)
        ]
        drawn = next(ledger.query("SELECT count(*) FROM attempt"))[0]
    assert len(dict(rows)) == len(rows) == drawn == len(verdicts)
    assert set(verdicts) == {1}
    return dict(rows)


@contextmanager
def serving(options: dict[str, Any]) -> Iterator[tuple[str, dict[str, int]]]:
    """A server in a process of its own; what it met is there when it has ended."""
    command = [sys.executable, str(ROOT / "tests" / "plugins" / "openai" / "faulty_server.py"), json.dumps(options)]
    met: dict[str, int] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), met
        told, _ = process.communicate()
        met.update(json.loads(told)["met"])


if __name__ == "__main__":
    main()
