"""
What a report of a large run costs: `python benchmarks/report.py [--problems 1000000] [--folder FOLDER]`.

A ledger is filled without a model: children of 400 bytes, one in ten of them rejected, eight attempts at each of the
others with one packed blob, three skills of forty for those that were kept, 64 children a step. Then `sparq report` makes
its page in a process of its own: twice of the run alone, then of the run beside itself, as two.

Writes `benchmarks/results/report.json`.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import zstandard

from sparq_core.contract.config import ModelConfig, Pipeline, PluginConfig
from sparq_core.contract.tally import Busy, Tally, Used
from sparq_core.ledger import storage

RESULTS = Path(__file__).parent / "results" / "report.json"
BATCH, K = 64, 8
SKILLS = [f"skill {i}" for i in range(40)]
RUN = """
import resource, sys, time
began = time.perf_counter()
from click.testing import CliRunner
from sparq_core.cli import cli
done = CliRunner().invoke(cli, ["report", *sys.argv[1:]], catch_exceptions=False)
assert done.exit_code == 0, done.output
print(time.perf_counter() - began, time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--problems", type=int, default=1_000_000, help="of the ledger [default: %(default)s]")
    options.add_argument("--folder", type=Path, help="where the ledger goes [default: a temporary folder]")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        folder = Path(scratch) / "run"
        began = time.perf_counter()
        build(folder, given.problems)
        print(f"built in {time.perf_counter() - began:.0f} s", flush=True)
        found = {
            "problems": given.problems,
            "attempts at each": K,
            "ledger MiB": round((folder / storage.DATABASE).stat().st_size / 2**20),
            "one run": [measured(folder, folder), measured(folder, folder)],
            "the run twice": measured(folder, folder, folder),
        }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def measured(to: Path, *runs: Path) -> dict[str, float]:
    """Seconds, those of the processor alone, the peak of memory and the size of the page, of a process of its own."""
    page = to / "page.html"
    command = [sys.executable, "-c", RUN, *map(str, runs), "--to", str(page)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    seconds, busy, peak = map(float, done.stdout.split())
    found = {"s": round(seconds, 1), "processor s": round(busy, 1), "peak MiB": round(peak)}
    print(found, flush=True)
    return {**found, "page kB": round(page.stat().st_size / 1000)}


def build(folder: Path, problems: int) -> None:
    """A run of this many children; it is not made durable, since its writing is not what is measured."""
    folder.mkdir()
    with closing(storage.create(folder / storage.DATABASE)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        pipeline = msgspec.json.encode(_pipeline(problems)).decode()
        connection.execute("INSERT INTO run VALUES (1, 'large', '', ?, '{}', '{}')", (pipeline,))
        connection.execute("INSERT INTO model VALUES (1, '0123456789abcdef')")
        connection.execute("INSERT INTO grading VALUES (1, '[]', '{}')")
        _fill(connection, problems)
        connection.execute("COMMIT")


def _pipeline(problems: int) -> Pipeline:
    models = {"student": ModelConfig(use="scripted", model="none")}
    cast = [PluginConfig(use="static-uniform")]
    return Pipeline(name="large", steps=-(-problems // BATCH), batch=BATCH, models=models, plugins=cast)


def _fill(connection: sqlite3.Connection, problems: int) -> None:
    rng, blob = Random(1), zstandard.compress(msgspec.msgpack.encode([_text(Random(k)) for k in range(K)]))
    for step in range(1, -(-problems // BATCH) + 1):
        children = [Child(rng, step, i) for i in range(min(BATCH, problems - (step - 1) * BATCH))]
        solved = [child for child in children if not child.rejected]
        _insert(connection, "step", [_step(step)])
        _insert(connection, "problem", (child.problem() for child in children))
        _insert(connection, "parentage", ((child.id, 0, child.parent) for child in children))
        _insert(connection, "attempt", (row for child in solved for row in child.attempts()))
        _insert(connection, "verdict", (row for child in solved for row in child.verdicts()))
        _insert(connection, "text", ((child.id, 1, step, blob) for child in solved))
        _insert(connection, "outcome", (child.outcome() for child in solved))
        _insert(connection, "descriptor", (child.descriptor() for child in solved if child.kept))


def _insert(connection: sqlite3.Connection, table: str, rows: Any) -> None:
    rows = list(rows)
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _step(step: int) -> tuple[Any, ...]:
    n = step * BATCH
    tally = Tally(
        outcomes={"kept": n // 2, "out-of-band": n - n // 2 - n // 10, "rejected": n // 10},
        reasons={"duplicates: near duplicate": n // 10},
        verdicts={"correct": 3 * n, "incorrect": 4 * n},
        used={"solver": Used(400 * n, 900 * n)},
        seconds=step * 2.0,
        busy=Busy(step * 2.0, step * 1.8, step * 0.2),
    )
    metrics = {"filled_niches": min(9000.0, n / 4), "qd_score": min(7000.0, n / 5), "niche_entropy": 8.0}
    return 1, step, 0, 1, "[]", json.dumps(metrics), msgspec.json.encode(tally).decode(), f"{step:032x}"


def _text(rng: Random) -> str:
    return " ".join(str(rng.randrange(1000)) for _ in range(300))


class Child:
    """A child as its rows have it."""

    def __init__(self, rng: Random, step: int, number: int) -> None:
        self.step, self.number, self.id = step, number, f"1.{step}.{number}"
        self.parent = f"1.{rng.randint(1, step - 1)}.{rng.randrange(BATCH)}" if step > 1 else "0.1.0"
        self.rejected, self.correct = rng.random() < 0.1, rng.randint(0, K)
        self.kept = 0 < self.correct < K
        self.skills = sorted(rng.sample(SKILLS, 3))
        self._statement = (
            f"{rng.getrandbits(60)} apples " + "are shared out again and again, " * 6 + "how many are left?"
        )
        self._first = (step * BATCH + number) * K

    def problem(self) -> tuple[Any, ...]:
        why = ("admit", "duplicates", "near duplicate") if self.rejected else (None, None, None)
        solution = "So there are as many as before. " * 5
        place = (self.id, 1, self.step, self.number)
        return (*place, "mutate", self._statement, "7", solution, "{}", None, *why, f"{self._first:024x}")

    def attempts(self) -> Iterator[tuple[Any, ...]]:
        return ((self._first + k, self.id, 1, self.step, k, 1, k, 120, 0, "stop") for k in range(K))

    def verdicts(self) -> Iterator[tuple[Any, ...]]:
        values = ["correct"] * self.correct + ["incorrect"] * (K - self.correct)
        return ((1, self._first + k, value, "number", "sympy", str(k)) for k, value in enumerate(values))

    def outcome(self) -> tuple[Any, ...]:
        rate = self.correct / K
        said = ("kept", "", 1 - rate) if self.kept else ("out-of-band", "too easy" if rate else "too hard", 0.0)
        return 1, self.id, "7", self.correct, K - self.correct, 0, rate, *said

    def descriptor(self) -> tuple[Any, ...]:
        return 1, self.id, "skills", json.dumps(self.skills)


if __name__ == "__main__":
    main()
