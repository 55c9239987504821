"""
Kills a small run at the calls by which it changes its folder, and holds what comes after to a run that was not killed.

A script for a process that has the shim: `kills.py FOLDER FILE_SYSTEM STRIDE`, where each STRIDEth call is one to be
killed at. It prints, as JSON, how many calls there are, how many kills were tried, and what went wrong after which.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults import Fault, calls_in_child, in_child
from sparq_core.contract.errors import SparqError
from sparq_core.ledger import dataset, storage
from sparq_core.ledger.reader import Reader
from sparq_core.loop import checkpoints
from sparq_core.testing import run_pipeline

CAST = ("static-uniform", "mutate", "sympy", "curate-band")


def pipeline(folder: Path, cast: Sequence[str] = CAST, **settings: Any) -> dict[str, Any]:
    """A run of a few small steps, with four seeds and a model that costs no time; keyword arguments replace settings."""
    seeds = folder / "seeds.jsonl"
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(4)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made: dict[str, Any] = {
        "name": "sums",
        "seed": 1,
        "steps": 2,
        "batch": 2,
        "in_flight": 2,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 2},
        "plugins": [{"use": "jsonl-seeds", "with": {"path": str(seeds)}}, *({"use": use} for use in cast)],
    }
    return {**made, **settings}


def story(folder: Path) -> tuple[str, list[dict[str, Any]], int]:
    """What a run came to: its digest, its dataset, how often it curated."""
    with Reader.open(folder) as ledger:
        return ledger.last_digest(), list(dataset.rows(ledger, dataset.chosen(ledger))), ledger.curations()


def read(folder: Path) -> None:
    """Open a ledger as `sparq status` does; one that is half written has to say so."""
    try:
        Reader.open(folder).close()
    except SparqError as error:
        if "half written" not in str(error):
            raise


def killed(folder: Path, plan: dict[str, Any], nth: int, expected: object) -> str | None:
    """What is wrong after a kill before the nth call, or in the middle of it; None where all is well."""
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    fault = Fault(None, nth, "torn" if nth % 2 else "kill")
    code = in_child(lambda: run_pipeline(plan, folder), run, fault)
    if code != -9:
        return f"call {nth}: was not killed, exit code {code}"
    began = (run / storage.DATABASE).exists()
    if began and in_child(lambda: read(run), run):
        return f"call {nth}: cannot be read"
    resume = began or nth % 3 == 0  # without a ledger, either way begins anew
    if in_child(lambda: run_pipeline(plan, folder, resume=resume), run):
        return f"call {nth}: does not go on, with{'' if resume else 'out'} --resume"
    return None if story(run) == expected else f"call {nth}: ends otherwise"


def main(folder: Path, file_system: str, stride: int) -> None:
    """Kill at every `stride`th call."""
    storage.file_system = lambda folder: file_system
    checkpoints.EVERY = 1
    plan, run = pipeline(folder), folder / "run"
    run_pipeline(plan, folder)  # here, so that children need not import what it takes
    expected = story(run)
    shutil.rmtree(run)
    calls = calls_in_child(lambda: run_pipeline(plan, folder), run)
    tried = range(1, calls + 1, stride)
    wrong = [told for nth in tried if (told := killed(folder, plan, nth, expected))]
    print(json.dumps({"calls": calls, "kills": len(tried), "wrong": wrong}))  # noqa: T201 -- a script


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
