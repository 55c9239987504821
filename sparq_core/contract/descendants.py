"""What a process has begun, whatever session or group that has put itself into, and how it is ended."""

import os
import signal
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on this process is the parent of all its descendants whose own parent has ended; Linux only."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> set[int]:
    """The processes that a process has begun, and those that they have begun; none where there is no /proc."""
    children = defaultdict(set)
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, *_ = file.read_bytes().rpartition(b")")[2].split(maxsplit=2)
            if state != b"Z":
                children[int(parent)].add(int(file.parent.name))
    found: set[int] = set()
    fresh = set(children[pid])
    while fresh:
        found |= fresh
        fresh = {child for one in fresh for child in children[one]} - found
    return found


def end_descendants(pid: int) -> None:
    """Kill all that a process has begun; those that are begun meanwhile, too, while it adopts them."""
    ended: set[int] = set()
    while fresh := descendants(pid) - ended:
        for one in fresh:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(one, signal.SIGKILL)
        ended |= fresh
