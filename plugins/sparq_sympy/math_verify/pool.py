"""
Workers with a hard deadline: a pair that hangs or kills its worker costs that worker, nothing else.

No signals, no threads: a caller waits for its own worker, from whatever thread. The deadline is the worker's CPU time, read
from outside, so that a busy machine changes no verdict.
"""

import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

START_TIMEOUT = 120.0
WALL_FACTOR = 10
"""Wall time, as a multiple of the deadline, after which a worker that does not even compute is given up."""
TRIES = 2
"""Workers a pair may kill before it is a `crash`."""
_TICKS = os.sysconf("SC_CLK_TCK")


class WorkerDiedError(Exception):
    """The worker ended without an answer."""


class Forker:
    """The process that forks workers; started when first needed, and again if it dies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._works = False

    def fork(self) -> "Worker":
        """A new worker; WorkerDiedError where the process is killed each time, OSError where none can be started."""
        with self._lock:
            for _ in range(TRIES):
                try:
                    worker = self._fork()
                except OSError as error:
                    died = WorkerDiedError() if self._works or self._was_killed() else error
                    self._close()
                else:
                    self._works = True
                    return worker
        raise died

    def _fork(self) -> "Worker":
        control = self._control or self._start()
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(control, [b"fork"], [theirs.fileno()])
            return Worker(int(_reply(control)), ours)
        except OSError:
            ours.close()
            raise

    def end(self, worker: "Worker") -> None:
        """Kill a worker and wait until it is gone."""
        worker.socket.close()
        with self._lock:
            with suppress(OSError):
                if self._control:
                    self._control.sendall(b"kill %d" % worker.pid)
                    _reply(self._control)
                    return
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONHASHSEED": "0",
            "SYMPY_GROUND_TYPES": "python",
            "MPMATH_NOGMPY": "1",
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-m", "sparq_sympy.math_verify.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment,
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(START_TIMEOUT)
        _reply(ours)
        return ours

    def _was_killed(self) -> bool:
        """Whether a signal ended it, maybe before it was ready: that says nothing of whether it can be started."""
        if not self._process:
            return False
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(1) < 0
        return False

    def _close(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def close(self) -> None:
        """End the process and, with it, its workers."""
        with self._lock:
            if self._control:
                self._control.close()
                self._control = None
            if self._process:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(5)
            self._close()


def _reply(control: socket.socket) -> bytes:
    reply = control.recv(64)
    if not reply:
        raise ConnectionResetError("the process that starts math-verify's workers has ended")
    return reply


class Worker:
    """One worker process, used by one thread at a time."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.socket = channel
        self.finished = False

    def compare(self, gold: str, answer: str, deadline: float) -> str:
        """What the worker says; _DeadlineError past the deadline in CPU seconds, WorkerDiedError if it ends instead."""
        began, used = time.monotonic(), self._cpu_seconds()
        try:
            self.socket.sendall(json.dumps([gold, answer]).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                self._wait(began, used, deadline)
                received = self.socket.recv(4096)
                if not received:
                    raise WorkerDiedError
                reply += received
        except OSError as error:
            raise WorkerDiedError from error
        said, self.finished = json.loads(reply)
        return str(said)

    def _wait(self, began: float, used: float, deadline: float) -> None:
        """Until there is something to read; a process cannot use more CPU time than passes, so little looking is needed."""
        while True:
            spent = self._cpu_seconds() - used
            if spent >= deadline or time.monotonic() - began >= WALL_FACTOR * deadline:
                raise _DeadlineError
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            if poll.poll(1000 * max(0.01, deadline - spent)):
                return

    def _cpu_seconds(self) -> float:
        """CPU time of the process; where the system does not tell, wall time stands in."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[11]) + int(fields[12])) / _TICKS


class _DeadlineError(Exception):
    """The deadline has passed."""


class Pool:
    """Up to `size` workers, forked when first needed; may be used from any thread, and in a process forked from this one."""

    def __init__(self, size: int, deadline: float) -> None:
        self._size = size
        self._deadline = deadline
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._forker = Forker()
        self._slots: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(self._size):
            self._slots.put(None)

    def compare(self, gold: str, answer: str) -> str:
        """`equal`, `different`, `unparsed`, `error`, `memory`, `timeout` or `crash`."""
        if os.getpid() != self._owner:
            self._begin()
        for _ in range(TRIES):
            with suppress(WorkerDiedError):
                return self._try(gold, answer)
        return "crash"

    def _try(self, gold: str, answer: str) -> str:
        worker = self._slots.get()
        try:
            worker = worker or self._forker.fork()
            said = worker.compare(gold, answer, self._deadline)
        except _DeadlineError:
            self._discard(worker)
            worker = None
            return "timeout"
        except BaseException:
            self._discard(worker)
            worker = None
            raise
        else:
            if worker.finished:
                self._discard(worker)
                worker = None
            return said
        finally:
            self._slots.put(worker)

    def _discard(self, worker: Worker | None) -> None:
        if worker:
            self._forker.end(worker)

    def close(self) -> None:
        """End all idle workers, and the process that forked them."""
        if os.getpid() != self._owner:
            return
        idle = [self._slots.get_nowait() for _ in range(self._slots.qsize())]
        for worker in idle:
            self._discard(worker)
            self._slots.put(None)
        self._forker.close()
