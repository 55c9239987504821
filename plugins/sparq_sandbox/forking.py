"""
Our side of the fork server: started when needed, and again when it dies; used from any thread.

A run costs three descriptors and no lock while it goes on: its thread waits for the answer's pipe, for the report and for the
end of the server, whichever comes.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sparq_sandbox.confinement import unfit
from sparq_sandbox.records import Limits, UnavailableError
from sparq_sandbox.server import MOST_SETUP, REPORT

START, GRACE = 120.0, 60.0
"""Seconds for the server's imports, and beyond a run's wall time, after which the server is taken for hung."""
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from sparq_sandbox.server import main; main()"
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""While it imports: hashes are the same in every run, and no library starts threads, which a fork would lose."""


class LostError(Exception):
    """The server, or a run's process, ended for no reason of the run's own."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: for its time, by a wait status, or because it `overflowed` with what it wrote."""

    written: bytes
    status: int = 0
    late: bool = False
    overflowed: bool = False


class ForkServer:
    """The process that forks others, and how to reach it."""

    def __init__(self, imports: Sequence[str], limits: Limits) -> None:
        self._imports, self._limits = imports, limits
        self._closed = False
        self._reset()
        with self._lock:
            self._start()

    def _reset(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._handle = -1

    def run(self, request: bytes) -> Ending:
        """Have a process forked for a request and wait for its end; LostError where there was none."""
        with ExitStack() as open_ones:
            asked = os.memfd_create("request")
            open_ones.callback(os.close, asked)
            _write(asked, request)
            answer, theirs = os.pipe()
            open_ones.callback(os.close, answer)
            os.set_blocking(answer, False)
            report, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            open_ones.enter_context(report)
            try:
                server = self._send([asked, theirs, far.fileno()])
            finally:
                os.close(theirs)
                far.close()
            open_ones.callback(os.close, server)
            return self._follow(answer, report, server)

    def _send(self, descriptors: Sequence[int]) -> int:
        """Hand a run over; a descriptor of the server that got it."""
        if os.getpid() != self._owner:
            self._forget()
        with self._lock:
            if self._closed:
                raise ValueError("the sandbox is closed: open another")
            try:
                if self._control is None:
                    self._start()
                socket.send_fds(self._reached(), [b"r"], descriptors)
                return os.dup(self._handle)
            except OSError as error:
                self._stop()
                raise LostError from error

    def _reached(self) -> socket.socket:
        if self._control is None:
            raise ConnectionResetError
        return self._control

    def _follow(self, answer: int, report: socket.socket, server: int) -> Ending:
        """Read until the report comes."""
        poll = select.poll()
        for descriptor in (answer, report.fileno(), server):
            poll.register(descriptor, select.POLLIN)
        written = bytearray()
        deadline = time.monotonic() + self._limits.wall + GRACE
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(max(0.0, 1000 * (deadline - time.monotonic())))}
            if not ready:
                signal.pidfd_send_signal(server, signal.SIGKILL)
                raise LostError
            if answer in ready and not _drain(answer, written, self._limits.output + 1):
                poll.unregister(answer)
            if len(written) > self._limits.output + 1:
                return Ending(b"", overflowed=True)
            if report.fileno() in ready:
                told = report.recv(REPORT.size)
                if not told:
                    raise LostError
                late, status = REPORT.unpack(told)
                _drain(answer, written, self._limits.output + 1)
                return Ending(bytes(written), status, late, len(written) > self._limits.output + 1)
            if server in ready:
                raise LostError

    def _start(self) -> None:
        """A server that is ready; OSError where it ends before."""
        why = unfit()
        if why:
            raise UnavailableError(why)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        package = str(Path(__file__).parents[1])
        with theirs:
            process = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-s", "-S", "-P", "-c", _BOOT, package, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        self._process, self._control, self._handle = process, ours, os.pidfd_open(process.pid)
        setup = {
            "owner": os.getpid(),
            "path": [str(Path(entry).absolute()) for entry in sys.path],
            "imports": list(self._imports),
            "limits": asdict(self._limits),
        }
        ours.settimeout(START)
        ours.send(json.dumps(setup).encode())
        reply = ours.recv(MOST_SETUP)
        if not reply:
            raise ConnectionResetError("the fork server ended before it was ready")
        state, why = json.loads(reply)
        if state == "imports":
            self._stop()
            raise ImportError(f"Sandbox(imports={list(self._imports)!r}): {why}; install it, or name what there is")
        if state == "kernel":
            self._stop()
            raise UnavailableError(why)

    def _stop(self) -> None:
        """End the server, which ends its children."""
        if self._control:
            self._control.close()
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self._process.kill()
            self._process.wait()
            os.close(self._handle)
        self._process = self._control = None

    def _forget(self) -> None:
        """In a process forked from ours: the server is not its child; it gets one of its own."""
        if self._control:
            self._control.close()
            os.close(self._handle)
        if self._process:
            self._process.returncode = 0
        self._reset()

    def close(self) -> None:
        """End the server and every run that goes on."""
        if os.getpid() != self._owner:
            self._forget()
        with self._lock:
            self._closed = True
            self._stop()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _drain(pipe: int, written: bytearray, most: int) -> bool:
    """Read what there is, until it is more than may be; False at its end."""
    with suppress(BlockingIOError):
        while len(written) <= most:
            part = os.read(pipe, 1 << 16)
            if not part:
                return False
            written += part
    return True
