"""The command in a child of a process that has the shim: a tenth of a second, and whatever a fault does to it stays there."""

import ctypes
import os
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from faults import Fault, in_child

from sparq_core.cli import main
from sparq_core.ledger import storage
from sparq_core.ledger.files import PARTIAL

NO_FAULT = Fault(None, 0)
LEFT_OUT = {storage.LOCK, *(storage.DATABASE + end for end in ("", *storage.JOURNALS))}
"""Files that are not compared as such."""


MOST_TOLD = 1200
TIMES = re.compile(r'"seconds":[^,}]+|"(busy|retried)":\{[^}]*\}|"replicas":\{(?:[^{}]|\{[^{}]*\})*\}')


class Done(NamedTuple):
    """What became of a command."""

    code: int
    out: str
    err: str
    calls: int = 0
    """How many it made by which it changed the folder, where it was not killed."""

    @property
    def unclear(self) -> str | None:
        """What is wrong with how it told of its failure: it is to be one error, and nothing of ours."""
        errors = re.findall(r"^error: ", self.err, re.MULTILINE)
        if "Traceback" in self.err or self.code == 70:
            return f"a traceback: {self.err[-300:]}"
        return None if len(errors) == 1 else f"{len(errors)} errors, exit code {self.code}: {self.err[-300:]}"


def sparq(folder: Path, *arguments: str, fault: Fault = NO_FAULT, before: Callable[[], object] = lambda: None) -> Done:
    """`sparq` with these arguments, meeting a fault below a folder; `before` is called in the child first."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as calls:
        code = in_child(partial(_become, arguments, (out, err), calls.fileno(), before), folder, fault)
        return Done(code, _text(out), _text(err), int(_text(calls) or 0))


def _become(arguments: tuple[str, ...], outputs: tuple[Any, ...], calls: int, before: Callable[[], object]) -> None:
    for descriptor, of in enumerate(outputs, 1):
        os.dup2(of.fileno(), descriptor)
    sys.argv = ["sparq", *arguments]
    before()
    try:
        main()
    finally:
        os.write(calls, str(ctypes.CDLL(None).fault_count()).encode())


def _text(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


class State(NamedTuple):
    """All that is in a folder, but for what is still to be made whole."""

    rows: dict[str, dict[str, list[Any]]]
    """Of each ledger, those of each table."""
    files: dict[str, bytes]


def state(folder: Path) -> State:
    """What there is below a folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and PARTIAL not in str(path))
    return State(
        {str(path.relative_to(folder)): rows(path) for path in found if path.name == storage.DATABASE},
        {str(path.relative_to(folder)): path.read_bytes() for path in found if path.name not in LEFT_OUT},
    )


def rows(path: Path) -> dict[str, list[Any]]:
    """Every row of a ledger, by table."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(_lasting, connection.execute(f'SELECT * FROM "{name}"')), key=repr) for name in names}


def _lasting(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row without the times that a step took."""
    return tuple(TIMES.sub("", value) if isinstance(value, str) else value for value in row)


def difference(found: State, wanted: State) -> str:
    """Where two states differ first, in words; empty where they do not."""
    for path in sorted(found.rows.keys() | wanted.rows.keys()):
        one, other = found.rows.get(path, {}), wanted.rows.get(path, {})
        for table in sorted(one.keys() | other.keys()):
            if one.get(table) != other.get(table):
                less, more = (Counter(map(str, of.get(table, ()))) for of in (one, other))
                return f"table {table} of {path}: {[*(less - more)]} where {[*(more - less)]} is wanted"[:MOST_TOLD]
    files = sorted(
        path for path in found.files.keys() | wanted.files.keys() if found.files.get(path) != wanted.files.get(path)
    )
    return f"files {', '.join(files)}" if files else ""
