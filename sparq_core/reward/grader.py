"""The reward: a pool of workers, asked from any thread, event loop or process, that answers each trial once."""

import os
import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec

from sparq_core.contract.errors import PluginError
from sparq_core.contract.files import absolute
from sparq_core.contract.records import Finish, Trial, Verdict
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline.file import load_pipeline
from sparq_core.reward.exchange import Job
from sparq_core.reward.process import Worker, WorkerDiedError
from sparq_core.reward.rows import trial_of, value_of

WORKERS = 2
PATIENCE = 60.0
TRIES = 3
"""Workers that may die while one trial is judged before it is a `crash`."""
CRASH = Verdict(value="unknown", reason="crash")
TIMEOUT = Verdict(value="unknown", reason="timeout")


class Reward:
    """
    Grades completions by the verifiers of a run, or of a pipeline that has not run yet.

    `source` is a run folder or a pipeline file. Up to `workers` processes do the work, each judging one completion at a time
    for at most `patience` seconds, after which it is `unknown: timeout`; one whose worker dies is judged by the next, and is
    `unknown: crash` once three have died of it. No signals are used. An instance may be called from any thread and event
    loop, in a process forked from this one, and may be pickled; each process has workers of its own, which end with it.

    PipelineError where there is no such run or pipeline, or where its verifiers cannot be loaded; a verifier that raises is a
    PluginError in the call that met it.
    """

    def __init__(self, source: str | Path, *, workers: int = WORKERS, patience: float = PATIENCE) -> None:
        """The first worker is started at once, so that mistakes are told now."""
        self._source, self._workers, self._patience = absolute(Path(source)), workers, patience
        self._job = _job_of(self._source)
        self._begin(Worker(self._job))

    def __reduce__(self) -> Any:
        return _again, (self._source, self._workers, self._patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, first: Worker | None = None) -> None:
        self._owner = os.getpid()
        self._slots: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for worker in [None] * (self._workers - 1) + [first]:
            self._slots.put(worker)
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="sparq-reward")

    def __call__(
        self, completion: Any, answer: Any = None, *, problem: Any = "", extra: Any = None, finish: Finish = "stop"
    ) -> float | None:
        """1.0 for a correct completion, 0.0 for an incorrect one, None where that is unknown; arguments as of `trial_of`."""
        (verdict,) = self.grade([trial_of(completion, problem=problem, answer=answer, extra=extra, finish=finish)])
        return value_of(verdict)

    def grade(self, trials: Sequence[Trial]) -> list[Verdict]:
        """The verdict on each trial, in order."""
        self._own()
        if len(trials) == 1:
            return [self._verdict(trials[0])]
        return list(self._threads.map(self._verdict, trials))

    async def agrade(self, trials: Sequence[Trial]) -> list[Verdict]:
        """As `grade`, without holding up the event loop."""
        import asyncio

        self._own()
        loop = asyncio.get_running_loop()
        return list(await asyncio.gather(*(loop.run_in_executor(self._threads, self._verdict, t) for t in trials)))

    def _own(self) -> None:
        """In a forked process, begin with workers of its own."""
        if os.getpid() != self._owner:
            self._begin()

    def _verdict(self, trial: Trial) -> Verdict:
        question = msgspec.json.encode(trial, enc_hook=_plain)
        for _ in range(TRIES):
            worker = self._slots.get()
            try:
                worker = worker or Worker(self._job)
                reply = worker.ask(question, self._patience)
            except BaseException as error:
                if worker:
                    worker.kill()
                worker = None
                if isinstance(error, TimeoutError):
                    return TIMEOUT
                if not isinstance(error, WorkerDiedError):
                    raise
            else:
                if reply.verdict is None:
                    raise PluginError(reply.error)
                return reply.verdict
            finally:
                self._slots.put(worker)
        return CRASH

    def close(self) -> None:
        """End all idle workers; a later call starts others."""
        if os.getpid() != self._owner:
            return
        idle = [self._slots.get_nowait() for _ in range(self._slots.qsize())]
        for worker in idle:
            if worker:
                worker.end()
            self._slots.put(None)


def _again(source: Path, workers: int, patience: float) -> Reward:
    return Reward(source, workers=workers, patience=patience)


def _job_of(source: Path) -> Job:
    """Whose verifiers a run folder or a pipeline file names."""
    if not source.is_dir():
        return Job(load_pipeline(source), str(source.parent))
    with Reader.open(source) as ledger:
        run = ledger.run()
        return Job(ledger.pipeline(), str(run.base_or(source)), run.identity)


def _plain(value: Any) -> Any:
    """Arrays, which trainers read from Parquet, as lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"`extra` holds a {type(value).__name__}, which is no JSON")
