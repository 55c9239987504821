"""What happened when: the run's events as JSON lines, for dashboards and for looking back."""

import time
from typing import IO

import msgspec

import sparq_core as sparq


class EventLog:
    """Appends every event to `logs/events.jsonl` in the run folder, with its name and the time."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        if run.folder is not None:
            (run.folder / "logs").mkdir(exist_ok=True)
            self._file = (run.folder / "logs" / "events.jsonl").open("ab", buffering=0)

    @sparq.hookimpl
    def observe(self, event: sparq.Event) -> None:
        if self._file is not None:
            fields = msgspec.to_builtins(event, enc_hook=str)
            row = {"time": round(time.time(), 3), "event": type(event).__name__, **fields}
            self._file.write(msgspec.json.encode(row) + b"\n")

    @sparq.hookimpl
    def stop(self) -> None:
        if self._file is not None:
            self._file.close()
