"""What all observers share: when a run is opened, written to and closed, and where its metrics stand."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

import sparq_core as sparq
from sparq_observers.metrics import Metrics, metrics_of

ID = re.compile(r"[0-9a-f]{8,32}")


class Observer:
    """
    A run in a tool; a tool's observer says how it is opened, written to and closed.

    Metrics stand at the number of children so far, which never decreases, whether rounds follow each other or the run is
    resumed. Nothing is imported or opened before the run begins; whatever fails then or later disables the observer with one
    warning, and the run goes on.
    """

    def __init__(self) -> None:
        self._run: sparq.Run | None = None
        self._children = 0
        self._is_open = False

    def open(self, run: sparq.Run, folder: Path) -> None:
        """Begin, or go on with, what is observed of a run that writes to `folder`."""
        raise NotImplementedError

    def write(self, metrics: Metrics, children: int) -> None:
        """Record metrics at this number of children."""
        raise NotImplementedError

    def close(self, finished: bool) -> None:
        """Make sure that all is written; `finished` says whether the run came to its end."""
        raise NotImplementedError

    @sparq.hookimpl
    def start(self, run: sparq.Run) -> None:
        self._run, self._finished = run, False

    @sparq.hookimpl
    def observe(self, event: sparq.Event) -> None:
        if self._run is None or self._run.folder is None:
            return
        if isinstance(event, sparq.RunStarted):
            self.open(self._run, self._run.folder)
            self._is_open = True
        if not self._is_open:
            return
        if isinstance(event, sparq.RunStarted | sparq.StepCommitted | sparq.RunEnded):
            self._children = event.tally.children
        if metrics := metrics_of(event, self._run.folder):
            self.write(metrics, self._children)
        self._finished = isinstance(event, sparq.RunEnded)

    @sparq.hookimpl
    def stop(self) -> None:
        if self._is_open:
            self._is_open = False
            self.close(self._finished)


def settings(run: sparq.Run) -> dict[str, Any]:
    """The pipeline as resolved, in plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(run.pipeline)
    return plain


def kept_id(folder: Path, tool: str) -> str:
    """The id of a run in a tool, the same whenever the run is resumed."""
    if known := known_id(folder, tool):
        return known
    return keep_id(folder, tool, uuid4().hex[:12])


def known_id(folder: Path, tool: str) -> str | None:
    """The id that was kept, if any; a file that holds no id is as none."""
    path = folder / "logs" / f"{tool}.id"
    text = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
    return text if ID.fullmatch(text) else None


def keep_id(folder: Path, tool: str, id_: str) -> str:
    """Keep the id of a run in a tool."""
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / f"{tool}.id").write_text(f"{id_}\n", encoding="utf-8")
    return id_
