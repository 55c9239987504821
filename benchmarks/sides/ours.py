"""This engine: a run whose children are given, so that it spends its time on attempts; with a fifth argument, profiled."""

import json
import re
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import openai  # noqa: F401 -- as the others, before the clock runs
from rows import MODEL, Counted, K, Task, answer, is_right, prompt, report

import sparq_core as sparq
from sparq_core.loop.sources import CHUNK
from sparq_core.testing import run_pipeline

BATCH = 64
PACKAGE = re.compile(r"site-packages/(\w+)|(sparq_\w+)/|python3\.\d+/(asyncio)/")
WAITING = re.compile(r"selectors|threading|concurrent/futures")


class Given:
    """The problems as seeds; every step takes the next ones, and proposes them as they are."""

    @sparq.hookimpl
    def load_seeds(self, run: sparq.Run) -> list[sparq.Draft]:
        problems = range(run.pipeline.steps * run.pipeline.batch)
        return [sparq.Draft(statement=prompt(i), answer=answer(i), extra={"number": i}) for i in problems]

    @sparq.hookimpl
    def select(self, n: int, step: int) -> list[str]:
        return [f"0.{i // CHUNK + 1}.{i % CHUNK}" for i in range((step - 1) * n, step * n)]

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem]) -> list[sparq.Draft]:
        return [sparq.Draft(statement=p.statement, answer=p.answer, extra=p.extra, parents=(p.id,)) for p in parents]

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict]:
        right = (is_right(trial.attempt.text, trial.problem.extra["number"]) for trial in trials)
        return [sparq.Verdict(value="correct" if one else "incorrect", reason="string") for one in right]


def work(task: Task) -> Counted:
    with tempfile.TemporaryDirectory() as scratch:
        tally = run_pipeline(pipeline(task), Path(scratch)).ending.tally
    return tally.attempts, tally.verdicts["correct"]


def pipeline(task: Task) -> dict[str, Any]:
    bounds = [task.concurrency, task.concurrency]
    options = {"base_url": task.base_url, "concurrency": bounds, "n_per_request": task.n}
    return {
        "name": "rows",
        "steps": task.problems // BATCH,
        "batch": BATCH,
        "models": {"table": {"use": "openai", "model": MODEL, "with": options}},
        "attempts": {"k": K, "prompt": "{{ problem.statement }}"},
        "plugins": [{"use": f"{__file__}:Given"}],
    }


def profiled(task: Task) -> Counted:
    """The same, and on standard error the share of the work that each package's code is found at."""
    found, done = Counter[str](), threading.Event()
    sys.setswitchinterval(1e-4)
    watcher = threading.Thread(target=watch, args=(found, done))
    watcher.start()
    counted = work(task)
    done.set()
    watcher.join()
    print(json.dumps({name: count / found.total() for name, count in found.most_common()}), file=sys.stderr)
    return counted


def watch(found: Counter[str], done: threading.Event) -> None:
    """Look at every other thread that is not waiting, 500 times a second."""
    own = threading.get_ident()
    while not done.wait(0.002):
        for thread, frame in sys._current_frames().items():  # noqa: SLF001 -- what the standard library has for it
            if thread != own and not WAITING.search(frame.f_code.co_filename):
                found[_package(frame)] += 1


def _package(frame: FrameType | None) -> str:
    """Whose code asked for what is done here; Python's own library is counted for its callers."""
    while frame is not None:
        if match := PACKAGE.search(frame.f_code.co_filename):
            return next(part for part in match.groups() if part)
        frame = frame.f_back
    return "other"


if __name__ == "__main__":
    report(profiled if len(sys.argv) > 5 else work)
