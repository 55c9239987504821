"""
The fork server: a bare interpreter that has imported what programs may use, and forks a confined process for every run.

It reads neither programs nor answers: a run arrives as three descriptors (the request, a file in memory; the answer's pipe; a
socket for the report), of which the first two go to the new process. How that ended is told on the third; when
the other side hangs up there, the process is killed. The server ends with the process that wanted it, and so do its
children.

What is imported here is copied with every fork: nothing that is not needed.
"""

import builtins
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from sparq_sandbox import program
from sparq_sandbox.confinement import Filter, close_all_but, end_with, limit, mapped_bytes, renounce

CHANNEL = 3
"""The one descriptor a program has."""
REPORT = struct.Struct("=?i")
"""Whether it was ended for its time, and its wait status."""
MOST_SETUP = 1 << 20
_PRELOADED = ("__future__", "unicodedata", "encodings.latin_1", "encodings.ascii", "encodings.unicode_escape")
"""What the language itself imports late."""


class Child(NamedTuple):
    """A process that runs a program."""

    pid: int
    handle: int
    report: socket.socket
    deadline: float


class Server:
    """Forks processes and watches over them, until its owner hangs up or is gone."""

    def __init__(
        self, control: socket.socket, owner: int, *, seconds: float, wall: float, memory: int, output: int
    ) -> None:
        self._control, self._owner = control, owner
        self._seconds, self._wall, self._output = seconds, wall, output
        self._pid, self._mapped = os.getpid(), mapped_bytes() + memory
        self._filter = Filter([CHANNEL])
        self._children: dict[int, Child] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._poll.register(owner, select.POLLIN)

    def try_out(self) -> None:
        """See that rights are gone: this process can open nothing, and one that is confined dies when it forks."""
        with suppress(PermissionError):
            os.close(os.open("/", os.O_RDONLY))
            raise OSError("the kernel takes a rule of Landlock and does not keep it")
        reads, writes = os.pipe()
        pid = os.fork()
        if not pid:
            self._try(writes)
        os.close(writes)
        with os.fdopen(reads, "rb") as told:
            why = told.read().decode(errors="replace")
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == -signal.SIGKILL:
            sys.exit("it was killed from outside")
        if code != -signal.SIGSYS:
            raise OSError(why or f"a confined process could fork (it ended with {code})")

    def _try(self, channel: int) -> NoReturn:
        try:
            self._confine(channel)
            os.fork()
        except (OSError, ValueError) as error:
            os.write(CHANNEL, f"the kernel does not confine processes ({error})".encode())
        finally:
            os._exit(0)

    def serve(self) -> None:
        """Until the owner hangs up or is gone."""
        try:
            while True:
                ready = {descriptor for descriptor, _ in self._poll.poll(self._patience())}
                self._look_after(ready)
                if self._owner in ready or (self._control.fileno() in ready and not self._accept()):
                    return
        finally:
            for child in list(self._children.values()):
                self._end(child, late=False)

    def _patience(self) -> float | None:
        """Milliseconds until the next deadline."""
        first = min((child.deadline for child in self._children.values()), default=None)
        return None if first is None else max(0.0, 1000 * (first - time.monotonic())) + 1

    def _look_after(self, ready: set[int]) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            late = now >= child.deadline
            if late or child.handle in ready or child.report.fileno() in ready:
                self._end(child, late=late and child.handle not in ready)

    def _end(self, child: Child, *, late: bool) -> None:
        """Bury a child, killed before where it still runs, and report."""
        del self._children[child.pid]
        os.kill(child.pid, signal.SIGKILL)
        status = os.waitpid(child.pid, 0)[1]
        for descriptor in (child.handle, child.report.fileno()):
            self._poll.unregister(descriptor)
        os.close(child.handle)
        with child.report, suppress(OSError):
            child.report.send(REPORT.pack(late, status))

    def _accept(self) -> bool:
        """Begin a run; False where the owner has hung up."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, 3)
        if len(descriptors) == 3:
            request, answer, report = descriptors
            self._begin(request, answer, report)
            os.close(request)
            os.close(answer)
        return bool(message)

    def _begin(self, request: int, answer: int, report: int) -> None:
        told = socket.socket(fileno=report)
        try:
            pid = os.fork()
        except OSError:
            with told, suppress(OSError):
                told.send(REPORT.pack(False, signal.SIGKILL))
            return
        if not pid:
            self._become(request, answer)
        child = Child(pid, os.pidfd_open(pid), told, time.monotonic() + self._wall)
        self._children[pid] = child
        self._poll.register(child.handle, select.POLLIN)
        self._poll.register(told, 0)

    def _become(self, request: int, answer: int) -> NoReturn:
        """In the new process: read the request, give everything up, and run the program."""
        try:
            end_with(self._pid)
            asked = os.pread(request, os.fstat(request).st_size, 0)
            self._confine(answer)
            program.run(asked, CHANNEL, self._output)
        finally:
            os._exit(1)

    def _confine(self, channel: int) -> None:
        os.dup2(channel, CHANNEL)
        close_all_but(CHANNEL)
        limit(self._seconds, self._mapped)
        self._filter.apply()


def prepare(setup: Mapping[str, Any]) -> None:
    """Import what programs may use, forget where modules come from, and be the first to go where memory runs out."""
    sys.path[:] = setup["path"]
    for name in (*_PRELOADED, *setup["imports"]):
        importlib.import_module(name)
    sys.path.clear()
    sys.argv.clear()
    os.environ.clear()
    for number in (signal.SIGPROF, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 -- as above
        score.write("1000")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    vars(builtins).update(exit=sys.exit, quit=sys.exit)
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), program.Discarded(), program.Discarded()
    program.answer(program.REQUEST.pack(5, 1) + b"g=intg()", 100)
    gc.collect()
    gc.freeze()


def main() -> None:
    """`FD` is the last argument: a socket on which the setup arrives, and then runs."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    setup = json.loads(control.recv(MOST_SETUP))
    owner = os.pidfd_open(setup["owner"])
    if os.getppid() != setup["owner"]:
        return
    try:
        prepare(setup)
    except Exception as error:  # noqa: BLE001 -- a module may raise anything when it is imported
        control.send(json.dumps(["imports", f"{type(error).__name__}: {error}"]).encode())
        return
    try:
        server = Server(control, owner, **setup["limits"])
        renounce()
        server.try_out()
    except OSError as error:
        control.send(json.dumps(["kernel", str(error)]).encode())
        return
    control.send(json.dumps(["ready", ""]).encode())
    server.serve()
