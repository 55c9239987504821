"""
What a run of twenty million attempts costs the engine: `make scale`, or `benchmarks/scale.py [--attempts N] [--folder FOLDER]`.

A real run without a model: 64 children a step, 16 attempts of 1,200 bytes at each, drawn from completions made beforehand;
each problem is as hard as its seed says. Near duplicates are turned away, an archive of labelled niches chooses the parents,
kept problems are labelled, and all of it goes into a durable ledger. Then the run is resumed from its last checkpoint and
without one, shown, exported, reported and curated, each in a process of its own. Counted are processor seconds (user and
system), the peak of memory, and bytes. What is exported is thrown away.

`--run FOLDER` measures a run of this kind that is there already, by its pipeline file beside it.

Writes `benchmarks/results/scale.json`. For twenty million attempts it takes 45 minutes of one core and 15 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml
from pyarrow import parquet

import sparq_core as sparq
from sparq_core.ledger import storage
from sparq_core.ledger.checkpoint import FILE

RESULTS = Path(__file__).parent / "results" / "scale.json"
POLICIES = RESULTS.with_name("solve_rate.json")
ATTEMPTS = 20_000_000
BATCH, K, BYTES = 64, 16, 1200
SEEDS = 7_500
POOL = 512
SENTENCE = 100
SKILLS = [f"skill {i}" for i in range(120)]
WORDS = sorted(set(Path(__file__).read_text(encoding="utf-8").split()))
LENGTH = 50
"""Words of a statement."""
COPIES = 0.02
"""The share of children that repeat their parent but for a word."""
LABEL = "<skills>"
MORE = 8
"""Steps that a resumed run does."""
SHARE = 200
"""Attempts for each problem that curation by quality and diversity chooses."""

METHODS, CHILDREN = 4, 320_000
"""What the paper compares, and the problems that each wrote (SPARQ, section 3)."""
TOKENS = {"attempts": 300, "problems": 600, "labels": 50}
"""Assumed for each: 1,200 bytes an attempt; the paper does not say."""
PER_GPU = {"attempts": 5_000, "problems": 1_500, "labels": 5_000}
"""Tokens a second that a GPU of 80 GB is assumed to sample: models of 9 and 27 billion parameters, in large batches."""
RULES = {
    "all K": "fixed",
    "bayes": "bayes, worth 60, default prior, waves of 4, complete",
    "bayes, complete: false": "bayes, worth 60, default prior, waves of 4, stopped",
}
"""How many attempts a problem gets, each by its name in `solve_rate.json`."""


class Instant:
    """A sampler of completions made beforehand, chosen by the seed: attempts from mostly wrong to mostly right, and labels."""

    deterministic = True
    digest = "instant"

    def __init__(self) -> None:
        rng = Random(1)
        sentences = [" ".join(rng.choices(WORDS, k=40))[: SENTENCE - 1] + "." for _ in range(2000)]
        self._attempts = [attempts(rng, sentences, (i + 0.5) / POOL) for i in range(POOL)]

    @sparq.hookimpl
    def sampler(self) -> "Instant":
        return self

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: sparq.Request) -> list[sparq.Completion]:
        if request.n > 1:
            return self._attempts[request.seed % POOL][: request.n]
        rng = Random(request.seed)
        if LABEL in request.messages[0].content:
            labels = {SKILLS[int(len(SKILLS) * rng.random() ** 2)] for _ in range(3)}
            return [completion(f"<skills>{', '.join(labels)}</skills>")]
        return [completion(" ".join(rng.choices(WORDS, k=LENGTH)))]

    def close(self) -> None:
        pass


def attempts(rng: Random, sentences: Sequence[str], solve_rate: float) -> list[sparq.Completion]:
    """K attempts, of which a third of the lines differ."""
    common = rng.choices(sentences, k=BYTES // SENTENCE)
    written = ([rng.choice(sentences) if rng.random() < 1 / 3 else s for s in common] for _ in range(K))
    return [
        completion("\n".join(own)[: BYTES - 7] + f"#### {10 if rng.random() < solve_rate else 99}") for own in written
    ]


def completion(text: str) -> sparq.Completion:
    return sparq.Completion(text=text, finish="stop", tokens=len(text) // 4)


class Strings:
    """Seeds and children whose answer is 10, some of them copies but for a word, and a verifier that compares strings."""

    @sparq.hookimpl
    def load_seeds(self) -> list[sparq.Draft]:
        return [sparq.Draft(statement=" ".join(Random(i).choices(WORDS, k=LENGTH)), answer="10") for i in range(SEEDS)]

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem], llm: sparq.Llm, rng: Random) -> list[sparq.Draft]:
        written = llm("generator").complete([parent.statement for parent in parents], sparq.Sampling())
        return [
            sparq.Draft(
                statement=f"{p.statement} {rng.choice(WORDS)}" if rng.random() < COPIES else one.text,
                answer="10",
                solution=one.text[:200],
                parents=(p.id,),
                operator="next",
                ordinal=one.ordinal,
            )
            for p, one in zip(parents, written, strict=True)
        ]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        return [_judge(trial.attempt.text.rpartition("#### ")[2], trial.problem.answer) for trial in trials]


def _judge(answer: str, reference: str | None) -> sparq.Verdict:
    return sparq.Verdict(value="correct" if answer == reference else "incorrect", reason="string", answer=answer)


def pipeline(steps: int) -> dict[str, Any]:
    """The paper's sizes, with an archive that chooses parents."""
    return {
        "name": "scale",
        "steps": steps,
        "batch": BATCH,
        "in_flight": 4,
        "models": {"instant": {"use": f"{__file__}:Instant", "model": "none"}},
        "attempts": {"k": K},
        "plugins": [
            {"use": f"{__file__}:Strings"},
            {"use": "map-elites"},
            {"use": "duplicates"},
            {"use": "band", "with": {"correct": [2, 14]}},
            {"use": "skills"},
        ],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--attempts", type=int, default=ATTEMPTS, help="of the run [default: %(default)s]")
    options.add_argument("--folder", type=Path, help="where the run goes [default: a temporary folder]")
    options.add_argument("--run", type=Path, help="a folder with `pipeline.yaml` and `run`, to be measured as it is")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        folder = given.run or Path(scratch)
        found = {} if given.run else {"run": made(folder, given.attempts // (BATCH * K))}
        found |= measured(folder)
    found["bill"] = bill(json.loads(POLICIES.read_text(encoding="utf-8")))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def made(folder: Path, steps: int) -> dict[str, float]:
    """A run of so many steps."""
    file = folder / "pipeline.yaml"
    file.write_text(yaml.safe_dump(pipeline(steps)), encoding="utf-8")
    return command("run", str(file), "--out", str(folder / "run"))


def measured(folder: Path) -> dict[str, Any]:
    """What can be done with a run that is there."""
    run = folder / "run"
    with sparq.Reader.open(run) as ledger:
        tally, steps, metrics = ledger.tally(), ledger.steps_of(1), ledger.step_row(1, ledger.steps_of(1)).metrics
    file, checkpoint = run / storage.DATABASE, run / FILE
    found: dict[str, Any] = {
        "attempts": tally.attempts,
        "children": tally.children,
        "kept": tally.outcomes["kept"],
        "metrics": metrics,
        "ledger bytes": file.stat().st_size,
        "checkpoint bytes": checkpoint.stat().st_size if checkpoint.exists() else 0,
    }
    resume = ("run", str(folder / "pipeline.yaml"), "--out", str(run), "--resume")
    found["resume"] = command(*resume, "--set", f"steps={steps + MORE}")
    checkpoint.unlink(missing_ok=True)
    found["resume without a checkpoint"] = command(*resume, "--set", f"steps={steps + 2 * MORE}")
    forget(file)
    found["status, cold"] = command("status", str(run))
    found["status"] = command("status", str(run))
    found["export, JSON lines"] = command("export", str(run), "--to", os.devnull)
    table = folder / "export.parquet"
    found["export, Parquet"] = command("export", str(run), "--format", "parquet", "--to", str(table))
    found["export, Parquet"]["bytes"] = table.stat().st_size
    found["rows"] = parquet.read_metadata(table).num_rows
    table.unlink()
    found["report"] = command("report", str(run), "--to", str(folder / "report.html"))
    budget = str(max(1, tally.attempts // SHARE))
    found["curate, QD"] = command("curate", str(run), "--by", "qd", "--budget", budget, "--to", os.devnull)
    found["curate, all"] = command("curate", str(run), "--use", "curate-band", "--to", os.devnull)
    found["status, curated"] = command("status", str(run))
    return found


def bill(policies: dict[str, Any]) -> dict[str, dict[str, float]]:
    """What the paper's four sets of problems take, with as many kept problems under each rule."""
    found = {}
    for rule, name in RULES.items():
        problems = METHODS * CHILDREN / policies[name]["retained"]
        kept = METHODS * CHILDREN * policies["fixed"]["attempts"] / policies["fixed"]["per kept"]
        counts = {"attempts": problems * policies[name]["attempts"], "problems": problems, "labels": kept}
        tokens = {what: count * TOKENS[what] for what, count in counts.items()}
        hours = {what: number / PER_GPU[what] / 3600 for what, number in tokens.items()}
        found[rule] = {
            "problems": round(problems),
            "attempts": round(counts["attempts"]),
            "kept": round(kept),
            "tokens": round(sum(tokens.values())),
            "GPU hours of attempts": round(hours["attempts"]),
            "GPU hours": round(sum(hours.values())),
        }
    return found


def forget(file: Path) -> None:
    """Let what the system keeps of a file in memory be read from the disk again."""
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def command(*arguments: str) -> dict[str, float]:
    """What a command takes: processor seconds, seconds by the clock, and the peak of memory."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", "sparq_core.cli", *arguments], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"sparq {' '.join(arguments)}: exit code {process.returncode}")
    found = {
        "processor s": round(used.ru_utime + used.ru_stime, 1),
        "clock s": round(time.perf_counter() - began, 1),
        "peak MiB": round(used.ru_maxrss / 1024),
    }
    print(" ".join(arguments), found, flush=True)
    return found


if __name__ == "__main__":
    main()
