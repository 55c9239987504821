"""Worker processes with a hard deadline: a pair that hangs or kills its worker costs that worker, nothing else."""

import json
import os
import queue
import select
import subprocess
import sys
import time
from contextlib import suppress

START_TIMEOUT = 60.0


class WorkerDiedError(Exception):
    """The worker ended without an answer."""


class Worker:
    """One worker process, used by one thread at a time."""

    def __init__(self) -> None:
        read, write = os.pipe()
        self._process = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "sparq_sympy.worker", str(write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[write],
        )
        os.close(write)
        self._replies = read
        self._buffer = b""
        self._read_line(START_TIMEOUT)

    def compare(self, gold: str, answer: str, deadline: float) -> str:
        """What the worker says; TimeoutError after `deadline` seconds, WorkerDiedError if it ends instead."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        try:
            self._process.stdin.write(json.dumps([gold, answer]).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerDiedError from error
        return str(json.loads(self._read_line(deadline)))

    def _read_line(self, deadline: float) -> bytes:
        end = time.monotonic() + deadline
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._replies], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            data = os.read(self._replies, 65536)
            if not data:
                raise WorkerDiedError
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def close(self) -> None:
        """Kill the process and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            os.close(self._replies)
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()


class Pool:
    """Up to `size` workers, started when first needed; safe to use from several threads."""

    def __init__(self, size: int, deadline: float) -> None:
        self._deadline = deadline
        self._slots: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._slots.put(None)

    def compare(self, gold: str, answer: str) -> str:
        """`equal`, `different`, `unparsed`, `error`, `memory`, `timeout` or `crash`."""
        worker = self._slots.get()
        try:
            worker = worker or Worker()
            return worker.compare(gold, answer, self._deadline)
        except TimeoutError:
            worker = self._discard(worker)
            return "timeout"
        except WorkerDiedError:
            worker = self._discard(worker)
            return "crash"
        finally:
            self._slots.put(worker)

    @staticmethod
    def _discard(worker: Worker | None) -> None:
        if worker:
            worker.close()

    def close(self) -> None:
        """End all idle workers."""
        with suppress(queue.Empty):
            while True:
                self._discard(self._slots.get_nowait())
