"""The command in a process of its own, quickly: forked from the tests, with what they have imported."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sparq_core.cli import main


class Command:
    """`sparq` with these arguments at work; `before` is called in its process first."""

    def __init__(self, folder: Path, *arguments: str, before: Callable[[], object] = lambda: None) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _become([*arguments], self._out, self._err, before)

    def send(self, *signals: int, pause: float = 0.0) -> None:
        for number in signals:
            os.kill(self.pid, number)
            time.sleep(pause)

    def told(self, text: str, within: float = 30.0) -> None:
        """Wait until it has printed this."""
        deadline = time.monotonic() + within
        while text not in self.printed:
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.01)

    def end(self, within: float = 30.0) -> int:
        """Its exit code, negative for a signal."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"still at work after {within} s: {self.printed}")

    @property
    def printed(self) -> str:
        """All that it printed, on one line."""
        texts = (path.read_text(encoding="utf-8", errors="replace") for path in (self._out, self._err) if path.exists())
        return " ".join(" ".join(texts).split())


def _become(arguments: list[str], out: Path, err: Path, before: Callable[[], object]) -> None:
    code = 99
    try:
        for number, path in ((1, out), (2, err)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(descriptor, number)
            os.close(descriptor)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        sys.argv = ["sparq", *arguments]
        sys.stdout = sys.__stdout__
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 -- a descriptor, for tracebacks
        before()
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001 -- shown as the interpreter would
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        os._exit(code)


def until(path: Path, within: float = 30.0) -> None:
    """Wait for a file."""
    for _ in range(int(within / 0.01)):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")
