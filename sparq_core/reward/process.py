"""One worker process as who asks it sees it. No signals: a deadline is that of the socket, from whatever thread."""

import os
import signal
import socket
import subprocess
import sys
import warnings
from contextlib import suppress

import msgspec

from sparq_core.contract.decoding import learn
from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.reward.exchange import GRACE, Job, Reply

START_TIMEOUT = 120.0
"""Seconds in which a worker must have loaded its plugins."""

learn(Reply)


class WorkerDiedError(Exception):
    """The worker ended without an answer."""


class Worker:
    """A process with the verifiers of a pipeline, asked by one thread at a time; SparqError where they cannot be started."""

    def __init__(self, job: Job) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-m", "sparq_core.reward.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        try:
            ready = self.ask(msgspec.json.encode(job), START_TIMEOUT)
        except TimeoutError:
            self.kill()
            raise SparqError(f"the verifiers were not ready after {START_TIMEOUT:.0f} seconds") from None
        except BaseException:
            self.kill()
            raise
        if ready.error:
            self.kill()
            raise PipelineError(ready.error)
        for message in ready.warnings:
            warnings.warn(message, stacklevel=2)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, question: bytes, patience: float) -> Reply:
        """Its reply to a line; TimeoutError where none comes in so many seconds, WorkerDiedError where it ended instead."""
        reply = bytearray()
        try:
            self._channel.settimeout(patience)
            self._channel.sendall(question + b"\n")
            while not reply.endswith(b"\n"):
                received = self._channel.recv(1 << 16)
                if not received:
                    raise WorkerDiedError
                reply += received
        except TimeoutError:
            raise
        except OSError as error:
            raise WorkerDiedError from error
        return msgspec.json.decode(reply, type=Reply)

    def end(self) -> None:
        """Let its plugins stop, and end it."""
        self._channel.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """End it at once, with what it has begun in its own session."""
        self._channel.close()
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
