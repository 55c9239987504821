"""
Work in a process of its own: a trainer, a benchmark, whatever is heavy or must not bring the engine down.

The child is out of the terminal's reach, so that the engine decides what Ctrl-C means for it, and ends when its parent does,
however that ends. All that it has begun ends with it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparq_core.contract.descendants import adopt_orphans, end_descendants
from sparq_core.contract.errors import Interrupted, SparqError

TAIL, TAIL_BYTES = 15, 1 << 16
"""Lines of a log shown when a worker fails, and how much of its end is looked at."""
_running: dict["subprocess.Popen[str]", Path] = {}
"""Those at work, each with its log."""
_ending = threading.Event()


def run_worker(
    module: str, job: Mapping[str, Any], log: Path, folder: Path | None = None, *, launcher: Sequence[str] = ()
) -> None:
    """
    Run `python -m module` with a job and wait for it; what it prints goes into `log`.

    `folder` is its working directory. `launcher` is a command that runs what follows it, with the job on its standard input;
    it ends, with what it has begun, when that input does. SparqError with the end of its log if it fails, Interrupted if it was
    ended by `end_all`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(  # noqa: S603 -- a module of a plugin
            [*launcher, sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        _running[process] = log
        try:
            assert process.stdin is not None  # noqa: S101 -- it is a pipe
            if _ending.is_set():
                _end(process)
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(job) + "\n")
                process.stdin.flush()
            code = process.wait()
        finally:
            _end(process)
            with suppress(BrokenPipeError):
                process.communicate()
            _running.pop(process, None)
    if code and _ending.is_set():
        raise Interrupted(f"{module} was ended")
    if code:
        raise SparqError(f"{module} ended with exit code {code}; the end of {log}:\n{_tail(log)}")


def serve(main: Callable[[dict[str, Any]], None]) -> None:
    """In the worker: do the job that `run_worker` sends; when the parent is gone, end at once, with all that was begun."""
    job = json.loads(sys.stdin.readline())
    adopt_orphans()

    def watch() -> None:
        sys.stdin.read()
        end_descendants(os.getpid())
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    main(job)


def end_all() -> None:
    """End every worker at once, with the processes that it has begun, and let none begin until `allow`."""
    _ending.set()
    for process in list(_running):
        _end(process)


def last_line() -> str:
    """What the newest worker at work has printed last, such as how far it is; empty where there is nothing to tell."""
    for log in list(_running.values())[-1:]:
        with suppress(OSError):
            return next((line.strip() for line in reversed(_end_of(log).splitlines()) if line.strip()), "")
    return ""


def allow() -> None:
    """Let workers begin again."""
    _ending.clear()


def _end(process: "subprocess.Popen[str]") -> None:
    """Of one that has ended by itself its group: the number is not given away while others are in it."""
    if process.returncode is None:
        end_descendants(process.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _tail(log: Path) -> str:
    return "\n".join(_end_of(log).splitlines()[-TAIL:])


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return file.read().decode(errors="replace")
