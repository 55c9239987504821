"""The findings of an audit: files in the run folder beside the ledger, which they leave as it is."""

import os
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct

from sparq_core.contract.errors import PipelineError, RunLockedError, SparqError
from sparq_core.contract.records import Counts, Outcome, Value
from sparq_core.ledger.files import make_folder, sync, whole
from sparq_core.ledger.storage import Lock

FOLDER = "audit"
VERDICTS: Mapping[Value, Literal["valid", "invalid", "unknown"]] = {
    "correct": "valid",
    "incorrect": "invalid",
    "unknown": "unknown",
}


class Audited(Struct, frozen=True, kw_only=True):
    """What an auditor found of one problem: a row of the file."""

    id: str
    bin: str
    solve_rate: float | None
    outcome: Outcome
    verdict: Literal["valid", "invalid", "unknown"]
    reason: str
    reference: str | None
    """The reference answer that was audited."""
    answer: str | None
    """The auditor's own, where it gave one."""


class Findings:
    """
    One audit's findings, a line for each problem, appended as they come: `audit/audit-N.jsonl`.

    `audit-N.json` beside it holds what was asked. The same question goes on with the file that is there, another one has a file
    of its own. Whatever ends the process, no line that was written is lost, and a line that was not written whole is dropped.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any]) -> None:
        self._folder = folder / FOLDER
        try:
            make_folder(self._folder)
        except OSError as error:
            raise PipelineError(f"{self._folder}: cannot be created: {error.strerror}") from error
        try:
            self._lock = Lock(self._folder)
        except RunLockedError:
            raise RunLockedError(f"{folder}: is being audited by another process; wait for it") from None
        try:
            self.path = self._place(msgspec.json.format(msgspec.json.encode(asked, order="sorted")))
            self.rows = self._read()
            self._file = self.path.open("ab", buffering=0)
            sync(self._folder)
        except OSError as error:
            self._lock.release()
            raise _unwritable(self._folder, error) from error
        except SparqError:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.release()

    def _place(self, asked: bytes) -> Path:
        """The file of this question: the one there is, or the next that is free."""
        for number in count(1):
            question = self._folder / f"audit-{number}.json"
            findings = question.with_suffix(".jsonl")
            if not question.exists() and not findings.exists():
                with whole(question) as partial:
                    partial.write_bytes(asked)
                return findings
            if question.exists() and question.read_bytes() == asked:
                return findings
        raise AssertionError("numbers do not end")

    def _read(self) -> dict[str, Audited]:
        """What was found so far, by problem; a last line that was not written whole is cut off."""
        written = self.path.read_bytes() if self.path.exists() else b""
        whole = written[: written.rfind(b"\n") + 1]
        if whole != written:
            os.truncate(self.path, len(whole))
        rows: dict[str, Audited] = {}
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                row = msgspec.json.decode(line, type=Audited)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise PipelineError(
                    f"{self.path}, line {number}: is not a finding: {error}; delete that line, and its problem is audited again"
                ) from error
            rows[row.id] = row
        return rows

    def add(self, rows: Sequence[Audited]) -> None:
        """Write rows, and do not come back before they are on the disk."""
        try:
            left = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.rows.update((row.id, row) for row in rows)

    def counts(self, bin: str) -> Counts:
        """How the problems of a bin were judged: `correct` are valid, `incorrect` invalid."""
        said = [row.verdict for row in self.rows.values() if row.bin == bin]
        return Counts(said.count("valid"), said.count("invalid"), said.count("unknown"))


def _unwritable(path: Path, error: OSError) -> SparqError:
    return SparqError(f"{path}: cannot be written: {error.strerror}; once it can, run the same command to continue")
