"""
The same rows through this engine and through others: `python benchmarks/frameworks.py [--with PYTHON]`.

Problems attempted 16 times each, graded by a string comparison, against one local chat endpoint that answers after 20 ms; 64
requests open at once. Each side is used as its documentation has it for throughput, caches off, in a process of its own, turn
about; imports are not counted. `client` is the bare client library that all of them use. With `n` = 1 every attempt is a
request; with `n` = 16 all attempts at a problem are one, where the side can do that and grade each.

PYTHON is an interpreter that has distilabel and inspect_ai, since they need not fit beside this engine; a side that is not
installed is left out. Writes `benchmarks/results/frameworks.json`; takes ten minutes.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results" / "frameworks.json"
SIDES = Path(__file__).parent / "sides"
K, CONCURRENCY, LATENCY = 16, 64, 0.02
OURS = {"client": "client.py", "sparq": "ours.py"}
THEIRS = {"distilabel": "with_distilabel.py", "inspect_ai": "with_inspect.py"}
ONE_CHOICE = ("inspect_ai",)
"""Sides that grade one choice of a request."""
LIST = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--with", dest="python", default=sys.executable, help="interpreter of the other frameworks")
    options.add_argument("--problems", type=int, default=128, help="a multiple of 64 [default: %(default)s]")
    options.add_argument("--times", type=int, default=5, help="[default: %(default)s]")
    given = options.parse_args()
    versions = installed(given.python)
    for name in THEIRS.keys() - versions.keys():
        print(f"{name}: not installed in {given.python}, left out")
    taken: dict[str, list[dict[str, Any]]] = {}
    for _ in range(given.times):
        for name in (*OURS, *versions):
            for n in (1,) if name in ONE_CHOICE else (1, K):
                python = sys.executable if name in OURS else given.python
                taken.setdefault(f"{name}, n = {n}", []).append(measure(python, name, given.problems, n))
    ours = taken["sparq, n = 1"]
    report = {side: summed_up(runs, ours) for side, runs in taken.items()}
    show(report)
    profiles = {f"n = {n}": measure(sys.executable, "sparq", given.problems, n, "profile")["profile"] for n in (1, K)}
    print(json.dumps(profiles, indent=1))
    described = {"problems": given.problems, "k": K, "times": given.times, "versions": versions}
    RESULTS.write_text(json.dumps({**described, "sides": report, "sparq's work by package": profiles}, indent=1) + "\n")


def installed(python: str) -> dict[str, str]:
    """The frameworks an interpreter has, with their versions."""
    told = subprocess.run([python, "-c", LIST], capture_output=True, text=True, check=True).stdout
    found = {name.lower().replace("-", "_"): version for name, version in json.loads(told).items()}
    return {name: found[name] for name in THEIRS if name in found}


def measure(python: str, name: str, problems: int, n: int, *more: str) -> dict[str, Any]:
    """One side against a server of its own."""
    server = subprocess.Popen(
        [sys.executable, str(SIDES / "server.py"), str(LATENCY)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    side = SIDES / (OURS | THEIRS)[name]
    done = subprocess.run(
        [python, str(side), url, str(problems), str(n), str(CONCURRENCY), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    served = json.loads(server.communicate()[0])
    assert done.returncode == 0, f"{name}: {done.stderr}"
    found = json.loads(done.stdout.splitlines()[-1]) | served
    assert (found["rows"], found["right"], served["requests"]) == (
        problems * K,
        problems * K // 2,
        problems * K // n,
    ), name
    print(f"{name}, n = {n}: {found['seconds']:.2f} s", flush=True)
    return {**found, "profile": json.loads(done.stderr.splitlines()[-1])} if more else found


def summed_up(runs: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians; the ratio is that of runs that followed each other."""
    seconds = median(run["seconds"] for run in runs)
    return {
        "seconds": seconds,
        "rows/s": runs[0]["rows"] / seconds,
        "ratio": median(run["seconds"] / other["seconds"] for run, other in zip(runs, ours, strict=True)),
        "first request to last answer": median(run["serving"] for run in runs),
        "CPU seconds of the main process": median(run["CPU"] for run in runs),
        "runs": [run["seconds"] for run in runs],
    }


def show(report: dict[str, Any]) -> None:
    print("| side | seconds | rows/s | first request to last answer | ratio to sparq, n = 1 |\n|---|---|---|---|---|")
    for side, row in report.items():
        served = row["first request to last answer"]
        print(f"| {side} | {row['seconds']:.2f} | {row['rows/s']:,.0f} | {served:.2f} | {row['ratio']:.2f} |")


if __name__ == "__main__":
    main()
