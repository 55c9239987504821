"""The process that starts a trainer, waits for it, and ends whatever it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import sparq_core as sparq

GRACE = 5.0
"""Seconds that a trainer gets to end by itself, once its time is up."""
PATIENCE = 2.0
"""Seconds that what it has begun may take to end after it."""
LIVE = {"PYTHONUNBUFFERED": "1"}
"""What a trainer in Python prints is in the log at once, so that the end of it is there even if it is killed."""


def main(job: dict[str, Any]) -> None:
    """Run the commands one after the other, within the time they have together; exits with what is wrong with one."""
    hours = job["hours"]
    deadline = None if hours is None else time.monotonic() + 3600 * hours
    environment = {**os.environ, **LIVE, **job["env"]}
    left: list[str] = []
    for command in job["commands"]:
        process = _begun(command, job["folder"], environment)
        ended = _waited(process, deadline)
        left += _leftovers()
        sparq.end_descendants(os.getpid())
        if left:
            Path(job["left"]).write_text(json.dumps(left), encoding="utf-8")
        if not ended:
            sys.exit(f"{command[0]} was ended: it took more than {hours:g} hours, which is the limit (`hours`)")
        if process.returncode:
            sys.exit(f"{command[0]} {_how(process.returncode)}")


def _begun(command: list[str], folder: str, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=folder, env=environment)  # noqa: S603 -- the user's
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error}")


def _waited(process: "subprocess.Popen[bytes]", deadline: float | None) -> bool:
    """Whether it has ended by itself in time; one that has not is asked to end, and gets some seconds for that."""
    try:
        process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        return False
    return True


def _leftovers() -> list[str]:
    """The names of the processes that are still at work some moments after the one that began them."""
    until = time.monotonic() + PATIENCE
    while (left := sparq.descendants(os.getpid())) and time.monotonic() < until:
        time.sleep(0.05)
    return [name for pid in sorted(left) if (name := _name(pid))]


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return ""


def _how(code: int) -> str:
    if code > 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}" + (
        "; memory may have run out" if code == -signal.SIGKILL else ""
    )


if __name__ == "__main__":
    sparq.serve(main)
