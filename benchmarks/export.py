"""
What the dataset costs to write: `python benchmarks/export.py [--problems 50000] [--folder FOLDER]`.

Ledgers are filled without a model: word problems with three skills, 16 attempts of 1,200 bytes at each, 1 to 15 of them
correct, 64 problems a step. Then every correct attempt is exported, as JSON lines and as Parquet, on one core. Beside it, turn
about, the same rows, already in memory, are written by bare `json.dumps` and by pyarrow: what has no ledger to read. Each pair
gives a ratio, five pairs their median. A speed is rows a second of processor time, the kernel's included, imports not. Then the
same with the rows in other orders, and the peak of memory for 20 times as many rows.

Writes `benchmarks/results/export.json`. Takes three minutes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

import sparq_core as sparq
from sparq_core.contract.config import ModelConfig, Pipeline, PluginConfig
from sparq_core.contract.tally import Tally
from sparq_core.ledger import dataset, storage
from sparq_core.ledger.dataset_columns import columns_of
from sparq_core.ledger.entries import StepRecord, Worked
from sparq_core.ledger.writer import Ledger

RESULTS = Path(__file__).parent / "results" / "export.json"
BATCH, K, BYTES = 64, 16, 1200
PAIRS = 5
SMALL = 2_500
KINDS = ("jsonl", "parquet")
ORDERS = ("together", "one each", "shuffled")
NAMES = ("Mia", "Noor", "Jan", "Chidi", "Ana")
THINGS = ("pencils", "apples", "tickets", "stamps", "litres of paint")
SKILLS = ("multiplication", "fractions", "percentages", "rates", "area", "counting", "linear equations", "rounding")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--problems", type=int, default=50_000, help="of the large ledger [default: %(default)s]")
    options.add_argument("--folder", type=Path, help="where the ledgers go [default: a temporary folder]")
    options.add_argument("--one", nargs=3, metavar=("FOLDER", "KIND", "ORDER"), help=argparse.SUPPRESS)
    given = options.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if given.one:
        folder, kind, order = given.one
        print(json.dumps(export(Path(folder), kind, order)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        small, large = Path(scratch) / "small", Path(scratch) / "large"
        build(small, SMALL)
        report: dict[str, Any] = {kind: compare(small, kind) for kind in KINDS}
        report["orders"] = {kind: {order: measure(small, kind, order) for order in ORDERS} for kind in KINDS}
        build(large, given.problems)
        report["sizes"] = {kind: [measure(folder, kind) for folder in (small, large)] for kind in KINDS}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps({name: report[name] for name in ("orders", "sizes")}, indent=1))


def build(folder: Path, problems: int) -> None:
    """A run of this many kept problems; it is not made durable, since its writing is not what is measured."""
    folder.mkdir()
    rng = Random(1)
    with closing(storage.create(folder / storage.DATABASE)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        ledger = Ledger(connection)
        ledger.describe_run("export", "", msgspec.json.encode(pipeline()).decode(), "{}", {}, {})
        for step in range(1, -(-problems // BATCH) + 1):
            made = range(min(BATCH, problems - (step - 1) * BATCH))
            ledger.commit_step(record(step, [worked(rng, f"1.{step}.{i}") for i in made]), {}, Tally())


def pipeline() -> Pipeline:
    models = {"student": ModelConfig(use="scripted", model="none")}
    return Pipeline(name="export", steps=1, models=models, plugins=[PluginConfig(use="static-uniform")])


def record(step: int, made: Sequence[Worked]) -> StepRecord:
    return StepRecord(
        round=1,
        step=step,
        horizon=0,
        in_flight=1,
        parents=(),
        model="0123456789abcdef",
        worked=tuple(made),
        completions=(),
    )


def worked(rng: Random, id_: str) -> Worked:
    """A kept problem with its attempts."""
    statement, answer = word_problem(rng)
    problem = sparq.Problem(
        id=id_,
        statement=statement,
        answer=str(answer),
        solution=f"#### {answer}",
        parents=("0.1.7",),
        operator="mutate",
    )
    correct = rng.randint(1, K - 1)
    counts = sparq.Counts(correct, K - correct)
    judged = tuple(attempts(rng, answer, correct))
    child = sparq.Child(
        problem=problem,
        outcome="kept",
        counts=counts,
        solve_rate=counts.solve_rate,
        quality=1 - correct / K,
        descriptors={"skills": sorted(rng.sample(SKILLS, 3)), "words": float(len(statement.split()))},
    )
    return Worked(proposed=problem, child=child, case=sparq.Case(problem, judged, counts, counts.solve_rate))


def word_problem(rng: Random) -> tuple[str, int]:
    """A statement of some 300 bytes, and its answer."""
    name, thing, boxes, each, lost = rng.choice(NAMES), rng.choice(THINGS), *(rng.randint(3, 60) for _ in range(3))
    sold = rng.choice((10, 20, 25, 50))
    statement = (
        f"{name} buys {boxes} boxes with {each} {thing} in each, and on the way home {lost} of the {thing} are lost. The next "
        f"day {name} sells ${sold}\\%$ of all the {thing} that are left to a neighbour, who pays $\\frac{{3}}{{4}}$ of a euro "
        f"for each of them.\n\nHow many {thing} did {name} have before the sale? Give a whole number."
    )
    return statement, boxes * each - lost


def attempts(rng: Random, answer: int, correct: int) -> list[sparq.Judged]:
    """K attempts, of which a third of the lines differ."""
    common = [line(rng) for _ in range(BYTES // 60)]
    found = []
    for k in range(K):
        lines = [line(rng) if rng.random() < 1 / 3 else text for text in common]
        right = k < correct
        said = answer if right else answer + 1
        text = "\n".join(lines)[: BYTES - 20] + f"\n\\boxed{{{said}}}"
        verdict = sparq.Verdict(
            value="correct" if right else "incorrect", reason="number", answer=str(said), by="sympy"
        )
        attempt = sparq.Attempt(k=k, seed=rng.getrandbits(31), text=text, finish="stop", tokens=len(text) // 4)
        found.append(sparq.Judged(attempt, verdict))
    return found


def line(rng: Random) -> str:
    a, b = rng.randint(3, 90), rng.randint(3, 90)
    return f"Since ${a} \\times {b} = {a * b}$, there are {a * b} {rng.choice(THINGS)} – so far."


def compare(folder: Path, kind: str) -> dict[str, Any]:
    """Pairs of an export and bare writing of its rows."""
    pairs = []
    for _ in range(PAIRS):
        ours = measure(folder, kind)
        pairs.append({"export": ours["rows/s"], "bare": measure(folder, kind, "bare")["rows/s"]})
    speeds = {what: median(pair[what] for pair in pairs) for what in ("export", "bare")}
    ratio = median(pair["export"] / pair["bare"] for pair in pairs)
    print(f"{kind}: {speeds['export']:,.0f} rows/s, bare {speeds['bare']:,.0f}, ratio {ratio:.2f}", flush=True)
    return {"rows/s": speeds, "ratio": ratio, "pairs": pairs}


def measure(folder: Path, kind: str, order: str = "together") -> dict[str, Any]:
    """Write in a process of its own."""
    command = [sys.executable, __file__, "--one", str(folder), kind, order]
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def export(folder: Path, kind: str, order: str) -> dict[str, Any]:
    """Rows, rows a second of processor time and the peak of memory."""
    path = folder / f"export.{kind}"
    if kind == "parquet":
        pa.array([1])  # imports pandas, where it is installed
    with sparq.Reader.open(folder) as ledger:
        if order == "bare":
            rows = list(dataset.rows(ledger, dataset.chosen(ledger)))
            return timed(lambda: BARE[kind](path, rows))
        examples = EXAMPLES[order](ledger)
        return timed(lambda: write(path, kind, ledger, examples))


def write(path: Path, kind: str, ledger: sparq.Reader, examples: Iterable[sparq.Example]) -> int:
    rows = dataset.rows(ledger, examples)
    return dataset.write_jsonl(path, rows) if kind == "jsonl" else dataset.write_parquet(path, rows, columns_of(ledger))


def timed(work: Callable[[], int]) -> dict[str, Any]:
    began = time.process_time()
    count = work()
    return {"rows": count, "rows/s": count / (time.process_time() - began), "peak MiB": peak()}


def one_each(ledger: sparq.Reader) -> list[sparq.Example]:
    """The first correct attempt at each problem."""
    return list({example.problem: example for example in reversed(list(dataset.chosen(ledger)))}.values())[::-1]


def shuffled(ledger: sparq.Reader) -> list[sparq.Example]:
    examples = list(dataset.chosen(ledger))
    Random(1).shuffle(examples)
    return examples


def bare_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> int:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(rows)


def bare_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> int:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return len(rows)


def peak() -> float:
    """The most mebibytes this process ever held."""
    return int(Path("/proc/self/status").read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) / 1024


EXAMPLES = {"together": dataset.chosen, "one each": one_each, "shuffled": shuffled}
BARE = {"jsonl": bare_jsonl, "parquet": bare_parquet}

if __name__ == "__main__":
    main()
