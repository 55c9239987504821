"""
Checkpoints: the plugins' state, saved now and then, so that a resumed run replays the steps since then alone.

The state is taken when a step is committed. By then `admit` knows children of the steps in flight, too; so the file is put in
its place when these are committed as well. A run that is resumed after that issues no step whose parents would have been
selected with less folded in than the state holds.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from sparq_core.contract.errors import SparqError
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.run import Run
from sparq_core.contract.tally import Tally
from sparq_core.ledger import checkpoint as stored
from sparq_core.ledger.checkpoint import Checkpoint, Unusable, Writing
from sparq_core.ledger.entries import StepRecord
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.identity import identity_of

EVERY = 32_768
"""Children between two checkpoints: replaying as many takes some ten seconds."""


class Checkpoints:
    """Those of one run; a run without a folder has none, nor has one with a plugin that cannot save its state."""

    def __init__(self, run: Run, cast: Cast, ledger: Reader, emit: Callable[[Event], None]) -> None:
        self._cast, self._ledger, self._emit = cast, ledger, emit
        self._folder: Path | None = run.folder if cast.saves_state else None
        self._identity = _identity(run, cast)
        self._restored: Checkpoint | None = None
        self._children = 0
        self._writing: Writing | None = None

    def restore(self) -> None:
        """Give the plugins the state that was saved last, if any; where it cannot be used, say so, and all is replayed."""
        if not self._folder:
            return
        stored.clear(self._folder)
        path = self._folder / stored.FILE
        try:
            with stored.opened(self._folder, self._ledger) as found:
                if found:
                    self._restore(path, found)
        except Unusable as why:
            self._emit(Warned(f"{path} {why}; all steps are replayed instead"))

    def _restore(self, path: Path, found: stored.Opened) -> None:
        if found.checkpoint.identity != self._identity:
            raise Unusable("was saved by other plugins, or other versions of them")

        def load(plugin: str, file: IO[bytes]) -> None:
            try:
                self._cast.load_state(plugin, file)
            except SparqError as error:
                error.add_note(f"delete {path}, and all steps are replayed instead")
                raise

        found.read(load)
        self._restored, self._children = found.checkpoint, found.checkpoint.children

    def known(self, round: int, done: int) -> tuple[int, int]:
        """Up to which steps of a round, which has so many, `commit` and `admit` have been told by what was restored."""
        if not self._restored or round > self._restored.round:
            return 0, 0
        return (self._restored.step, self._restored.admitted) if round == self._restored.round else (done, done)

    def committed(self, record: StepRecord, tally: Tally, admitted: int, in_flight: int) -> None:
        """A step is in the ledger; `admit` was told of the children of so many steps."""
        if self._writing and (record.round, record.step) >= self._writing.checkpoint.until:
            self._put(record)
        if self._folder and not self._writing and tally.children - self._children >= EVERY:
            self._save(self._folder, record, tally.children, admitted, in_flight)

    def _save(self, folder: Path, record: StepRecord, children: int, admitted: int, in_flight: int) -> None:
        checkpoint = Checkpoint(
            identity=self._identity,
            round=record.round,
            step=record.step,
            admitted=admitted,
            children=children,
            until=(record.round, max(admitted, record.step + in_flight - 1)),
            digest="",
            plugins=[member.name for member in self._cast.stateful],
        )
        self._children, self._writing = children, Writing(folder, checkpoint)
        self._writing.write(self._cast.save_state)
        if (record.round, record.step) >= checkpoint.until:
            self._put(record)

    def _put(self, record: StepRecord) -> None:
        assert self._writing  # noqa: S101 -- the callers know
        until = (record.round, record.step)
        self._writing.close(replace(self._writing.checkpoint, until=until, digest=self._ledger.last_digest()))
        self._writing = None

    def close(self) -> None:
        """Drop what is not in its place yet."""
        if self._writing:
            self._writing.drop()
            self._writing = None


def _identity(run: Run, cast: Cast) -> str:
    """What a state may be loaded by: the same plugins, in the same versions, with the same options."""
    origins = [(member.name, member.origin) for member in cast.members]
    return hashlib.blake2b(msgspec.json.encode((identity_of(run, cast), origins)), digest_size=16).hexdigest()
