"""A small run on a disk that power cuts spoil, for a process that has the shim: what it does, and what it comes to."""

import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import sparq_core as sparq
from faults import Change, in_child, trace_in_child
from faults.kills import pipeline
from faults.power import Disk, content_of
from sparq_core.ledger import storage
from sparq_core.ledger.doctor import examine
from sparq_core.ledger.reader import Reader
from sparq_core.loop import session
from sparq_core.pipeline import prepare

PLUGINS = """
from hashlib import sha512
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler


class Local:
    trainable = True

    @sparq.hookimpl
    def sampler(self, model):
        sampler = ScriptedSampler()
        sampler.digest = model.digest
        return sampler


class Trainer:
    @sparq.hookimpl
    def train(self, dataset, weights, out, seed):
        (out / "config.json").write_text(16 * sha512(dataset.read_bytes() + str(seed).encode()).hexdigest())
"""
"""A model that can be trained, into files of some sectors, which follow from the examples."""

LOCAL, NETWORK = "ext4", "nfs4"
"""File systems that get a write-ahead log, and a rollback journal."""


def _trains(plan: dict[str, Any]) -> dict[str, Any]:
    """The pipeline with two rounds that train, and a training on the seeds before them."""
    seeds, *others = plan["plugins"]
    seeds["with"]["solution"] = "answer"
    models = {"student": {"use": "./plugins.py:Local", "model": "sums"}}
    cast = [seeds, *others, {"use": "./plugins.py:Trainer"}]
    return {**plan, "rounds": 2, "models": models, "train": {"seeds": True}, "plugins": cast}


class History(NamedTuple):
    """What a process did to the disk that it found."""

    before: dict[str, bytes]
    changes: list[Change]
    told: Path
    """The file that stands for the user's screen: each write is a line that was shown."""

    def cut(self, place: Path, moment: int) -> tuple[Disk, list[str]]:
        """The disk after so many calls, and what had been told."""
        done = self.changes[:moment]
        told = b"".join(change.data for change in done if change.path == self.told)
        return Disk(place, self.before, (c for c in done if c.path != self.told)), told.decode().splitlines()

    def tellings(self) -> list[int]:
        """The moments at which something has just been told."""
        return [i for i, change in enumerate(self.changes, 1) if change.data and change.path == self.told]


class World:
    """One run on one kind of disk; `disk` is what a cut spoils, and what is beside it is safe."""

    def __init__(self, folder: Path, file_system: str) -> None:
        self.folder, self.file_system = folder, file_system
        self.disk = folder / "disk"
        self.run = self.disk / "runs" / "sums"
        self.told, self._why = self.disk / "told", folder / "why"
        folder.mkdir(parents=True)
        (folder / "plugins.py").write_text(PLUGINS)
        path = folder / "pipeline.yaml"
        path.write_text(json.dumps(_trains(pipeline(folder))))
        self.mount()
        self._prepared, self._longer = prepare.load(path), prepare.load(path, ["steps=3"])

    def mount(self) -> None:
        """Let this world's kind of disk be the one that all is on."""
        storage.file_system = lambda folder: self.file_system

    def put(self, content: dict[str, bytes]) -> None:
        """Have these files on the disk, and no others."""
        self.clear()
        for name, data in content.items():
            (self.disk / name).parent.mkdir(parents=True, exist_ok=True)
            (self.disk / name).write_bytes(data)

    def clear(self) -> None:
        shutil.rmtree(self.disk, ignore_errors=True)
        self.disk.mkdir()

    def go(self, *, resume: bool = False, more: bool = False) -> None:
        """The whole run, or the rest of it, telling of what is committed; or the same run with a step more."""
        session.execute(self._longer if more else self._prepared, self.run, resume, [self._tell], lambda: False)

    def _tell(self, event: sparq.Event) -> None:
        if isinstance(event, sparq.StepCommitted):
            self.tell(f"step {event.round}.{event.step}")
        elif isinstance(event, sparq.PhaseFinished):
            self.tell(f"{event.name} of round {event.round}")

    def tell(self, line: str) -> None:
        """Show a line to the user."""
        screen = os.open(self.told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(screen, f"{line}\n".encode())
        os.close(screen)

    def told_now(self) -> list[str]:
        return self.told.read_text().splitlines() if self.told.exists() else []

    def record(self, before: dict[str, bytes], action: Callable[[], None]) -> History:
        """What an action does; played back without a cut, it must come to what is there."""
        self.put(before)
        told = self.told.resolve()
        history = History(before, trace_in_child(lambda: self._quietly(action), self.disk), told)
        there = content_of(self.disk)
        there.pop(self.told.name, None)
        disk, _ = history.cut(self.disk, len(history.changes))
        self.clear()
        disk.write_uncut(self.disk)
        assert content_of(self.disk) == there, "the trace does not hold all that was done"
        self.put(there)
        return history

    def _quietly(self, action: Callable[[], None]) -> None:
        with redirect_stdout(io.StringIO()):
            action()

    def refused(self, action: Callable[[], None]) -> str | None:
        """Why an action does not come to its end in a process of its own; None where it does."""

        def noted() -> int:
            try:
                self._quietly(action)
            except Exception as error:  # noqa: BLE001 -- told by whoever asked
                self._why.write_text(f"{type(error).__name__}: {error}")
                return 1
            return 0

        self._why.unlink(missing_ok=True)
        code = in_child(noted, self.folder)
        return (self._why.read_text() if self._why.exists() else f"exit code {code}") if code else None

    def files(self) -> dict[str, bytes]:
        return files_of(self.run)

    def fork(self, to: Path) -> None:
        """Make a run that goes on from the finished one."""
        session.fork(self._prepared, to, self.run)

    @cached_property
    def finished(self) -> dict[str, bytes]:
        """The disk after the run."""
        self.put({})
        assert (why := self.refused(self.go)) is None, why
        return {name: data for name, data in content_of(self.disk).items() if name != self.told.name}


def files_of(run: Path) -> dict[str, bytes]:
    """All that a run made, its ledger aside."""
    ledgers = (storage.DATABASE, storage.LOCK)
    return {name: data for name, data in content_of(run).items() if not name.startswith(ledgers)}


def made_run(folder: Path) -> object:
    """A new run folder; None where it holds no run yet."""
    if not (folder / storage.DATABASE).exists():
        return None
    with Reader.open(folder) as ledger:
        return ledger.last_digest(), examine(folder).is_sound, ledger.curations(), files_of(folder)
