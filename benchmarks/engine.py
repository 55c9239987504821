"""
What the engine itself costs, without a model: `python benchmarks/engine.py [--attempts 1000000] [--folder FOLDER]`.

The sampler gives completions that were made beforehand, the verifier compares strings, the ledger is on disk and durable, as in
any run; 64 problems a step, 16 attempts each, all on one core. Beside it, turn about, the rows of the same ledger go into an
empty one by bare `executemany`, a transaction a step: what SQLite alone takes. Each pair gives a ratio, five pairs its median,
for attempts of 1,200 and of 200 bytes. Then one run to a million attempts: microseconds an attempt and resident memory as
it grows, and again the bare insertion. `--folder` says on which disk.

Writes `benchmarks/results/engine.json`, and a plot `engine.svg` beside it where matplotlib is installed. Takes a minute or two.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import msgspec
import yaml

import sparq_core as sparq
from sparq_core.ledger import storage
from sparq_core.ledger.reader import GRADING, VIEW
from sparq_core.loop import session
from sparq_core.pipeline import prepare

RESULTS = Path(__file__).parent / "results"
BATCH, K = 64, 16
SHORT_RUN = 50
PAIRS = 5
PARTS = 100
BYTES = (1200, 200)
POOL = 256
SENTENCE = 100
WORDS = Path(__file__).read_text(encoding="utf-8").split()
MEMORY = "VmRSS:"

STEP = "FROM problem p CROSS JOIN {} WHERE p.round = ? AND p.step = ?"
TABLES = {
    "step": "SELECT * FROM step WHERE round = ? AND step = ?",
    "problem": "SELECT * FROM problem WHERE round = ? AND step = ? ORDER BY child",
    "parentage": f"SELECT t.* {STEP.format('parentage t ON t.child = p.id')}",
    "outcome": f"SELECT t.* {STEP.format(f'outcome t ON t.problem = p.id AND t.grading = {GRADING}')}",
    "descriptor": f"SELECT t.* {STEP.format(f'descriptor t ON t.problem = p.id AND t.view = {VIEW}')}",
    "attempt": f"SELECT t.* {STEP.format('attempt t ON t.problem = p.id')} ORDER BY t.id",
    "verdict": "SELECT t.* "
    + STEP.format(f"attempt a ON a.problem = p.id CROSS JOIN verdict t ON t.attempt = a.id AND t.grading = {GRADING}"),
    "text": f"SELECT t.* {STEP.format('text t ON t.problem = p.id')} ORDER BY p.child",
    "completion": "SELECT * FROM completion WHERE round = ? AND step = ?",
}
"""Where the rows of a step are, by table, in the order the engine writes them."""


class InstantConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Options of `Instant`."""

    bytes: int


class Instant:
    """A sampler of completions made beforehand, chosen by the seed; attempts at a problem differ in a third of their text."""

    deterministic = True
    digest = "instant"

    def __init__(self, config: InstantConfig) -> None:
        rng = Random(1)
        sentences = [" ".join(rng.choices(WORDS, k=40))[: SENTENCE - 1] + "." for _ in range(2000)]
        self._pool = [_attempts(rng, sentences, config.bytes) for _ in range(POOL)]

    @sparq.hookimpl
    def sampler(self) -> "Instant":
        return self

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        return [self._pool[request.seed % POOL][: request.n] for request in requests]

    def close(self) -> None:
        pass


def _attempts(rng: Random, sentences: Sequence[str], size: int) -> list[sparq.Completion]:
    common = rng.choices(sentences, k=size // SENTENCE)
    written = ([rng.choice(sentences) if rng.random() < 1 / 3 else s for s in common] for _ in range(K))
    texts = ["\n".join(own)[: size - 7] + f"#### {rng.choice((10, 99))}" for own in written]
    return [sparq.Completion(text=text, finish="stop", tokens=len(text) // 4) for text in texts]


class Strings:
    """Seeds and children from nothing, and a verifier that compares what follows the last mark."""

    @sparq.hookimpl
    def load_seeds(self) -> list[sparq.Draft]:
        return [sparq.Draft(statement=f"Seed {i}: what is {i} + 1?", answer=str(i + 1)) for i in range(4 * BATCH)]

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm) -> list[sparq.Draft]:
        written = llm("generator").complete([parent.statement for parent in parents], sparq.Sampling())
        return [
            sparq.Draft(statement=one.text[:300], answer="10", parents=(p.id,), operator="next", ordinal=one.ordinal)
            for p, one in zip(parents, written, strict=True)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        return [_judge(trial.attempt.text.rpartition("#### ")[2], trial.problem.answer) for trial in trials]


def _judge(answer: str, reference: str | None) -> sparq.Verdict:
    return sparq.Verdict(value="correct" if answer == reference else "incorrect", reason="string", answer=answer)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--attempts", type=int, default=1_000_000, help="of the long run [default: %(default)s]")
    options.add_argument("--folder", type=Path, help="where the ledgers go [default: a temporary folder]")
    options.add_argument("--one", nargs=4, metavar=("WHAT", "FOLDER", "STEPS", "BYTES"), help=argparse.SUPPRESS)
    given = options.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if given.one:
        what, folder, steps, size = given.one
        print(json.dumps(MEASURES[what](Path(folder), int(steps), int(size))))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        report = {f"{size} bytes": compare(Path(scratch), size) for size in BYTES}
        report["growth"] = grow(Path(scratch), given.attempts // (BATCH * K))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engine.json").write_text(json.dumps(report, indent=1) + "\n")
    plot(report["growth"])


def compare(scratch: Path, size: int) -> dict[str, Any]:
    """Pairs of a short run and a bare insertion of its rows."""
    pairs = []
    for i in range(PAIRS):
        folder = scratch / f"{size}-{i}"
        ours, bare = (measure(what, folder, SHORT_RUN, size) for what in MEASURES)
        pairs.append({"engine": rate(ours), "bare": rate(bare)})
    ratio = median(pair["engine"] / pair["bare"] for pair in pairs)
    speeds = {what: median(pair[what] for pair in pairs) for what in MEASURES}
    report = {"attempts/s": speeds, "ratio": ratio, "stored bytes / attempt": ours["stored"], "pairs": pairs}
    print(
        f"{size} bytes: {speeds['engine']:,.0f} attempts/s, bare {speeds['bare']:,.0f}, ratio {ratio:.2f}", flush=True
    )
    return report


def grow(scratch: Path, steps: int) -> dict[str, Any]:
    """One long run and the bare insertion of its rows, in parts."""
    report = {what: measure(what, scratch / "long", steps, BYTES[0]) for what in MEASURES}
    print(
        "| attempts | engine µs / attempt | of the processor | bare µs / attempt | engine MiB |\n|---|---|---|---|---|"
    )
    pairs = list(zip(report["engine"]["parts"], report["bare"]["parts"], strict=True))
    for ours, theirs in pairs[:: max(1, len(pairs) // 12)]:
        spent = f"{ours['µs']:.1f} | {ours['CPU µs']:.1f} | {theirs['µs']:.1f}"
        print(f"| {ours['attempts']:,} | {spent} | {ours['MiB']:.0f} |")
    return report


def measure(what: str, folder: Path, steps: int, size: int) -> dict[str, Any]:
    """Run one side in a process of its own."""
    command = [sys.executable, __file__, "--one", what, str(folder), str(steps), str(size)]
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def rate(measured: dict[str, Any]) -> float:
    """Attempts a second."""
    return 1e6 / (sum(part["µs"] for part in measured["parts"]) / len(measured["parts"]))


class Parts:
    """Microseconds an attempt, by the clock and of the processor, and memory, part by part of a run."""

    def __init__(self, steps: int) -> None:
        self._every, self.found = max(1, steps // PARTS), list[dict[str, float]]()
        self._clock = self._processor = 0.0

    def begin(self) -> None:
        self._clock -= time.perf_counter()
        self._processor -= time.process_time()

    def end(self, step: int) -> None:
        """A step is done."""
        self._clock += time.perf_counter()
        self._processor += time.process_time()
        if step % self._every:
            return
        drawn = self._every * BATCH * K
        spent = {"µs": 1e6 * self._clock / drawn, "CPU µs": 1e6 * self._processor / drawn}
        self.found.append({"attempts": step * BATCH * K, **spent, "MiB": resident()})
        self._clock = self._processor = 0.0


def engine(folder: Path, steps: int, size: int) -> dict[str, Any]:
    """A run from the pipeline file to its last step, timed from commit to commit."""
    parts = Parts(steps)

    def watch(event: sparq.Event) -> None:
        if isinstance(event, sparq.RoundStarted) and event.round:
            parts.begin()
        if isinstance(event, sparq.StepCommitted) and event.round:
            parts.end(event.step)
            parts.begin()

    folder.mkdir(parents=True)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(pipeline(steps, size)), encoding="utf-8")
    loaded = prepare.load(folder / "pipeline.yaml")
    session.execute(loaded, folder / "run", resume=False, observers=[watch], interrupted=lambda: False)
    with sparq.Reader.open(folder / "run") as ledger:
        ((stored,),) = ledger.query("SELECT avg(length(blob)) FROM text")
    return {"parts": parts.found, "stored": stored / K}


def pipeline(steps: int, size: int) -> dict[str, Any]:
    return {
        "name": "engine",
        "steps": steps,
        "batch": BATCH,
        "models": {"instant": {"use": f"{__file__}:Instant", "model": "none", "with": {"bytes": size}}},
        "attempts": {"k": K},
        "plugins": [{"use": f"{__file__}:Strings"}, {"use": "static-uniform"}],
    }


def bare(folder: Path, steps: int, size: int) -> dict[str, Any]:  # noqa: ARG001 -- as `engine`
    """The rows of that run into an empty ledger; reading them is not counted."""
    parts = Parts(steps)
    path = folder / "bare.db"
    storage.create(path).close()
    there = storage.open_writable(path)
    storage.make_durable(there, folder)
    with sparq.Reader.open(folder / "run") as ledger:
        for table in ("model", "grading"):
            insert(there, [(table, list(ledger.query(f"SELECT * FROM {table}")))])
        for round_, step in ledger.query("SELECT round, step FROM step ORDER BY round, step"):
            rows = list(rows_of(ledger, round_, step))
            if not round_:
                insert(there, rows)
                continue
            parts.begin()
            insert(there, rows)
            parts.end(step)
    there.close()
    path.unlink()
    return {"parts": parts.found}


def rows_of(ledger: sparq.Reader, round_: int, step: int) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    for table, query in TABLES.items():
        if rows := list(ledger.query(query, round_, step)):
            yield table, rows


def insert(there: Any, tables: Sequence[tuple[str, list[tuple[Any, ...]]]]) -> None:
    """One transaction."""
    there.execute("BEGIN IMMEDIATE")
    for table, rows in tables:
        there.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    there.execute("COMMIT")


def resident() -> float:
    """The process's mebibytes."""
    return int(Path("/proc/self/status").read_text(encoding="utf-8").split(MEMORY)[1].split()[0]) / 1024


def plot(growth: dict[str, Any]) -> None:
    """Time an attempt and memory over attempts."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("svg")
    from matplotlib import pyplot as plt

    figure, (times, memory) = plt.subplots(1, 2, figsize=(10, 3.5))
    for what, measured in growth.items():
        parts = measured["parts"]
        for clock in ("µs", "CPU µs"):
            name = what if clock == "µs" else f"{what}, of the processor"
            times.plot([part["attempts"] for part in parts], [part[clock] for part in parts], label=name)
    parts = growth["engine"]["parts"]
    memory.plot([part["attempts"] for part in parts], [part["MiB"] for part in parts])
    times.set(xlabel="attempts", ylabel="µs an attempt", ylim=(0, 40), xscale="log")
    memory.set(xlabel="attempts", ylabel="resident MiB of the engine", ylim=(0, 80), xscale="log")
    times.legend(loc="upper left", ncols=2)
    figure.tight_layout()
    figure.savefig(RESULTS / "engine.svg", metadata={"Date": None})


MEASURES = {"engine": engine, "bare": bare}

if __name__ == "__main__":
    main()
