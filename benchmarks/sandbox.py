"""
What confining a program costs: `python benchmarks/sandbox.py`.

Runs a second from one thread on one core and from four on two, beside a bare interpreter per program, which confines nothing,
all in turns within the same minutes; CPU milliseconds a run, which a busy machine changes less; and 10,000 runs
while the processes they run in, and the fork server, are killed at random, each to be answered once.
"""

import json
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparq_sandbox import STANDARD, Sandbox

RESULTS = Path(__file__).parent / "results" / "sandbox.json"
ROUNDS, SECONDS = 5, 4.0
KILLED_RUNS = 10_000
PROGRAM = """
def g(limit):
    found = [n for n in range(2, limit) if all(n % d for d in range(2, int(n ** 0.5) + 1))]
    return found[-3:]
"""
ANSWER = [83, 89, 97]
Measured = dict[str, float]


def main() -> None:
    report: dict[str, Any] = {
        "cores": os.cpu_count(),
        "load before": os.getloadavg()[0],
        "python": sys.version.split()[0],
    }
    with Sandbox(imports=STANDARD) as sandbox:

        def confined() -> None:
            assert sandbox.run(PROGRAM, entry="g", arguments=(100,)).value == ANSWER

        ways: dict[str, tuple[Callable[[], None], int, int]] = {
            "sandbox, one core": (confined, 1, 1),
            "sandbox, two cores": (confined, 4, 2),
            "bare interpreter, one core": (interpreter, 1, 1),
            "bare interpreter, two cores": (interpreter, 4, 2),
        }
        rounds: dict[str, list[Measured]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (once, threads, cores) in ways.items():
                rounds[name].append(on_cores(cores, lambda once=once, threads=threads: throughput(once, threads)))
                print(name, rounds[name][-1], flush=True)
    for name, measured in rounds.items():
        report[name] = {key: statistics.median(m[key] for m in measured) for key in measured[0]}
        report[name]["runs/s of each round"] = [m["runs/s"] for m in measured]
    for cores in ("one core", "two cores"):
        ours, theirs = (report[f"{way}, {cores}"] for way in ("sandbox", "bare interpreter"))
        report[f"times as fast, {cores}"] = round(ours["runs/s"] / theirs["runs/s"], 1)
    report["killed at random"] = killed_at_random(KILLED_RUNS)
    report["load after"] = os.getloadavg()[0]
    print(json.dumps(report, indent=1))
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


def on_cores(cores: int, measure: Callable[[], Measured]) -> Measured:
    """Everything of this process and its children on this many cores."""
    everywhere = os.sched_getaffinity(0)
    mine = set(sorted(everywhere)[:cores])
    try:
        pin(mine)
        return measure()
    finally:
        pin(everywhere)


def pin(cores: set[int]) -> None:
    for task in family(os.getpid()):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(task, cores)


def family(pid: int) -> list[int]:
    tasks, below = [], []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            tasks.append(int(task.name))
            below += [int(child) for child in (task / "children").read_text().split()]
    return tasks + [member for child in below for member in family(child)]


def throughput(once: Callable[[], None], threads: int) -> Measured:
    over = time.monotonic() + SECONDS
    began, used = time.monotonic(), cpu_seconds()
    latencies: list[float] = []

    def work(_: int) -> None:
        while time.monotonic() < over:
            start = time.monotonic()
            once()
            latencies.append(time.monotonic() - start)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    runs, seconds = len(latencies), time.monotonic() - began
    return {
        "runs/s": round(runs / seconds, 1),
        "ms p50": round(1000 * statistics.median(latencies), 2),
        "ms p99": round(1000 * statistics.quantiles(latencies, n=100)[-1], 2),
        "CPU ms a run": round(1000 * (cpu_seconds() - used) / runs, 2),
    }


def cpu_seconds() -> float:
    """Of this process, of its children so far, and of the fork server with its own."""
    ticks = 0
    for child in family(os.getpid()):
        with suppress(OSError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += (
                sum(map(int, fields[11:15])) if b"sparq_sandbox" in Path(f"/proc/{child}/cmdline").read_bytes() else 0
            )
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return ticks / os.sysconf("SC_CLK_TCK") + sum(u.ru_utime + u.ru_stime for u in used)


def interpreter() -> None:
    """What one writes without a sandbox: `python -c` in a process of its own, unconfined."""
    code = f"{PROGRAM}\nprint(g(100))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True)
    assert json.loads(done.stdout) == ANSWER


def killed_at_random(runs: int) -> dict[str, Any]:
    """Every run is numbered and must be answered by its own double, or by `killed`."""
    over, kills = threading.Event(), Counter[str]()
    sandbox = Sandbox()

    def murder() -> None:
        rng = random.Random(1)
        while not over.wait(rng.uniform(0.005, 0.05)):
            server = sandbox._server._server  # noqa: SLF001 -- what is to be killed
            if server is None:
                continue
            with suppress(OSError, IndexError):
                children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
                victim, kind = (server.pid, "servers") if rng.random() < 0.1 else (int(children[0]), "runs")
                os.kill(victim, signal.SIGKILL)
                kills[kind] += 1

    def run(number: int) -> str:
        said = sandbox.run("def g(n): return 2 * n", entry="g", arguments=(number,))
        return "right" if said.value == 2 * number else str(said.reason)

    murderer = threading.Thread(target=murder)
    murderer.start()
    with ThreadPoolExecutor(8) as pool:
        said = Counter(pool.map(run, range(runs)))
    over.set()
    murderer.join()
    sandbox.close()
    assert said.total() == runs
    return {"runs": runs, "killed": dict(kills), "answered": dict(said)}


if __name__ == "__main__":
    main()
