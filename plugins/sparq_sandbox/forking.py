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
_BOOT = """
import sys
package = sys.modules["sparq_sandbox"] = type(sys)("sparq_sandbox")
package.__path__ = [sys.argv[1]]
from sparq_sandbox.server import main
main()
"""
"""The package without what its `__init__` imports: half of what a fork costs."""
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


class Server:
    """One process that forks others: how to reach it and how to end it."""

    def __init__(self) -> None:
        """Start the process."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-s", "-S", "-P", "-c", _BOOT, str(Path(__file__).parent), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.handle = os.pidfd_open(self.pid)

    def set_up(self, imports: Sequence[str], limits: Limits) -> None:
        """Tell it what to import, and wait until it has confined a process; OSError where it ends before."""
        path = [str(Path(entry).absolute()) for entry in sys.path]
        setup = {"owner": os.getpid(), "path": path, "imports": list(imports), "limits": asdict(limits)}
        self._control.settimeout(START)
        self._control.send(json.dumps(setup).encode())
        reply = self._control.recv(MOST_SETUP)
        if not reply:
            raise ConnectionResetError("it ended before it was ready")
        state, why = json.loads(reply)
        if state == "imports":
            raise ImportError(f"Sandbox(imports={list(imports)!r}): {why}; install it, or name what there is")
        if state == "kernel":
            raise UnavailableError(why)

    def send(self, descriptors: Sequence[int]) -> None:
        """Have it begin a run."""
        socket.send_fds(self._control, [b"r"], descriptors)

    def end(self) -> None:
        """End it, and with it what it forked."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()

    def leave(self) -> None:
        """In a process forked from its owner: let go of it, for it is no child of this one."""
        self._control.close()
        self._process.returncode = 0

    def __del__(self) -> None:
        """The handle lives as long as a thread may look at it."""
        if hasattr(self, "handle"):
            os.close(self.handle)


class ForkServer:
    """Has runs done by a server, the same one as long as it lives."""

    def __init__(self, imports: Sequence[str], limits: Limits) -> None:
        self._imports, self._limits = imports, limits
        self._closed = False
        self._owner, self._lock = os.getpid(), threading.Lock()
        self._server: Server | None = self._start()

    def run(self, request: bytes) -> Ending:
        """Have a process forked for a request and wait for its end; LostError where there was none."""
        with ExitStack() as at_the_end:
            asked = os.memfd_create("request")
            at_the_end.callback(os.close, asked)
            _write(asked, request)
            answer, theirs = os.pipe()
            at_the_end.callback(os.close, answer)
            os.set_blocking(answer, False)
            report, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            at_the_end.enter_context(report)
            try:
                server = self._send([asked, theirs, far.fileno()])
            finally:
                os.close(theirs)
                far.close()
            try:
                return self._follow(answer, report, server.handle)
            except LostError:
                self._retire(server)
                raise

    def _send(self, descriptors: Sequence[int]) -> Server:
        """Hand a run over; the server that got it."""
        self._come_over()
        with self._lock:
            if self._closed:
                raise ValueError("the sandbox is closed: open another")
            server = self._server
            try:
                if server is None:
                    server = self._server = self._start()
                server.send(descriptors)
            except OSError as error:
                if server:
                    server.end()
                self._server = None
                raise LostError from error
            return server

    def _start(self) -> Server:
        why = unfit()
        if why:
            raise UnavailableError(why)
        server = Server()
        try:
            server.set_up(self._imports, self._limits)
        except BaseException:
            server.end()
            raise
        return server

    def _retire(self, server: Server) -> None:
        """End a server that has lost a run, if nobody has yet."""
        with self._lock:
            if self._server is server:
                server.end()
                self._server = None

    def _come_over(self) -> None:
        """In a process forked from ours: begin anew."""
        if os.getpid() != self._owner:
            self._owner, self._lock = os.getpid(), threading.Lock()
            if self._server:
                self._server.leave()
            self._server = None

    def _follow(self, answer: int, report: socket.socket, handle: int) -> Ending:
        """Read until the report comes."""
        poll = select.poll()
        for descriptor in (answer, report.fileno(), handle):
            poll.register(descriptor, select.POLLIN)
        written = bytearray()
        deadline = time.monotonic() + self._limits.wall + GRACE
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(max(0.0, 1000 * (deadline - time.monotonic())))}
            if not ready:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
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
            if handle in ready:
                raise LostError

    def close(self) -> None:
        """End the server and every run that goes on."""
        self._come_over()
        with self._lock:
            self._closed = True
            if self._server:
                self._server.end()
            self._server = None


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
