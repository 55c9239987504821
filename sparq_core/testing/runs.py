"""Whole runs in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import yaml
from msgspec import Struct, field

from sparq_core.contract.events import Event
from sparq_core.ledger import storage
from sparq_core.ledger.reader import Reader
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending
from sparq_core.pipeline import prepare


class _ClosedInTheEnd(Connection):
    """Closed once neither its reader nor rows of it are held any longer, in whichever thread that is noticed."""

    def __del__(self) -> None:
        self.close()


class Ran(Struct, frozen=True):
    """A run that `run_pipeline` brought to its end."""

    ending: Ending
    """Its `reason`, `done` or what stopped it; its `exit_code`; its `tally`, all that was counted."""
    folder: Path
    """The run folder."""
    events: list[Event] = field(default_factory=list)
    """All that observers were told."""

    def read(self) -> Reader:
        """The run's ledger, which need not be closed."""
        path = self.folder / storage.DATABASE
        return Reader(storage.open_readonly(path, factory=_ClosedInTheEnd, check_same_thread=False))


def run_pipeline(
    pipeline: Mapping[str, Any], folder: Path, *, resume: bool = False, accept_changes: bool = False
) -> Ran:
    """Run a pipeline given as a mapping; its file is written to `folder`, its run folder is `folder / "run"`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.yaml"
    path.write_text(yaml.safe_dump(dict(pipeline), sort_keys=False), encoding="utf-8")
    events: list[Event] = []
    ending = session.execute(prepare.load(path), folder / "run", resume, [events.append], lambda: False, accept_changes)
    return Ran(ending, folder / "run", events)
