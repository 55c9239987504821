"""
Work in a process of its own: a trainer, a benchmark, whatever is heavy or must not bring the engine down.

The child is out of the terminal's reach, so that the engine decides what Ctrl-C means for it, and ends when its parent does,
however that ends.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparq_core.contract.errors import Interrupted, SparqError

TAIL = 15
"""Lines of a log shown when a worker fails."""
_running: set["subprocess.Popen[str]"] = set()
_ending = threading.Event()


def run_worker(module: str, job: Mapping[str, Any], log: Path, folder: Path | None = None) -> None:
    """
    Run `python -m module` with a job and wait for it; what it prints goes into `log`.

    `folder` is its working directory. SparqError with the end of its log if it fails, Interrupted if it was ended by `end_all`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(  # noqa: S603 -- a module of a plugin
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        _running.add(process)
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
            _running.discard(process)
    if code and _ending.is_set():
        raise Interrupted(f"{module} was ended")
    if code:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])
        raise SparqError(f"{module} ended with exit code {code}; the end of {log}:\n{tail}")


def serve(main: Callable[[dict[str, Any]], None]) -> None:
    """In the worker: do the job that `run_worker` sends, and end at once when the parent is gone."""
    job = json.loads(sys.stdin.readline())

    def watch() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    main(job)


def end_all() -> None:
    """End every worker at once, with the processes that it has begun, and let none begin until `allow`."""
    _ending.set()
    for process in list(_running):
        _end(process)


def allow() -> None:
    """Let workers begin again."""
    _ending.clear()


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
