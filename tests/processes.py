"""The processes that an engine has started, and whether they end with it."""

import time
from pathlib import Path


def session_of(engine: int) -> set[int]:
    """The processes of the workers that an engine has started."""
    stats = {int(file.parent.name): after_name(file) for file in Path("/proc").glob("[0-9]*/stat")}
    sessions = {int(fields[3]) for fields in stats.values() if fields and int(fields[1]) == engine}
    return {pid for pid, fields in stats.items() if fields and int(fields[3]) in sessions and fields[0] != "Z"}


def after_name(stat: Path) -> list[str]:
    """State, parent, group, session, … of a process; nothing where it is gone by now."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def left_of(processes: set[int]) -> list[int]:
    """Which of them are there after 20 seconds."""
    deadline = time.monotonic() + 20
    while (
        there := [pid for pid in sorted(processes) if Path(f"/proc/{pid}").exists()]
    ) and time.monotonic() < deadline:
        time.sleep(0.1)
    return there
