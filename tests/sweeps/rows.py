"""
One row of a ledger that is not what was written: a value of any type, a row that is gone, doubled, or has another's value.

Each command that reads the run ends with a message or with an outcome, and never with a traceback; a ledger of which `doctor`
finds nothing is as it was in all that digests are made of; a run that goes on comes to the digest of one that was left alone.
"""

import gc
import io
import shutil
import signal
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from typing import Any

from faults.kills import pipeline

from sparq_core import cli
from sparq_core.ledger import storage
from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline

CAST = ("map-elites", "mutate", "sympy", "skills", "curate-band")
PATIENCE = 10.0
"""Seconds that a command may take."""
VALUES: tuple[Any, ...] = (
    *(None, 0, 1, -1, 7, 2**31, 2**63 - 1, -(2**63), 0.5, -0.0, 1e308, float("inf"), "", " ", "x", "1", "0", "1.1.0"),
    *("[]", "{}", "null", "[1]", '"a"', "[[]]", '{"a": 1}', "1e400", "NaN", "[" * 2000, "[null]", '["1.1.0"]', "-1"),
    *("a\x00b", "\x1b[2J\u202e", "[/red]", "x" * 100_000, "kept", "rejected", "correct", "verify", "stop"),
    *(b"", b"\x00", b"\xff\xfe", b"[]", b"kept", b"1", b"\x28\xb5\x2f\xfd" + b"\xff" * 20, bytes(5000)),
)
PROVED = (
    "SELECT round, step, parents, digest FROM step ORDER BY round, step",
    "SELECT id, operator, statement, answer, solution, extra, ordinal FROM problem ORDER BY round, step, child",
    "SELECT id, rejected_in, rejected_by, rejected_why FROM problem WHERE rejected_in <> ''",
    "SELECT child, parent FROM parentage ORDER BY child, ordinal",
    "SELECT * FROM completion WHERE hook <> 'describe'",  # the later labels' are no part of it
    "SELECT * FROM attempt",
    "SELECT * FROM text WHERE (problem, round, step) IN (SELECT problem, round, step FROM attempt)",
    "SELECT * FROM verdict WHERE grading = 1",
    "SELECT * FROM outcome WHERE grading = 1",
    "SELECT * FROM again",
    "SELECT * FROM descriptor WHERE view = 1",
)
"""What the digests of steps are made of: orders, but not the numbers by which something is ordered; no later view."""
NO_UTF_8 = "CAST(x'41ff80' AS TEXT)"
"""A text that is none, which no parameter can be."""


def spoil(path: Path, rng: Random) -> str:
    """Change one row of a ledger, past all constraints that can be passed; what was done, in words."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        while True:
            try:
                if told := _spoilt(connection, rng):
                    return told
            except sqlite3.IntegrityError:
                continue


def _spoilt(connection: sqlite3.Connection, rng: Random) -> str:
    tables = [t for (t,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    table = rng.choice(tables)
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    if not rows:
        return ""
    row, column = rng.choice(rows), rng.randrange(len(columns))
    here = " AND ".join(f'"{name}" IS ?' for name in columns)
    name = columns[column]
    match rng.choice(("value", "value", "value", "text", "delete", "double", "swap", "swap")):
        case "value":
            value = rng.choice(VALUES)
            connection.execute(f'UPDATE "{table}" SET "{name}" = ? WHERE {here}', (value, *row))
            return f"{table}.{name} of {row!r:.150} is {value!r:.60}"
        case "text":
            connection.execute(f'UPDATE "{table}" SET "{name}" = {NO_UTF_8} WHERE {here}', row)
            return f"{table}.{name} of {row!r:.150} is no UTF-8"
        case "delete":
            connection.execute(f'DELETE FROM "{table}" WHERE {here}', row)
            return f"{table}: no {row!r:.150}"
        case "double":
            twin = [
                *row[:column],
                rng.choice(rows)[column] if rng.random() < 0.5 else rng.choice(VALUES),
                *row[column + 1 :],
            ]
            connection.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', twin)
            return f"{table}: one more {twin!r:.150}"
    value = rng.choice(rows)[column]
    connection.execute(f'UPDATE "{table}" SET "{name}" = ? WHERE {here}', (value, *row))
    return f"{table}.{name} of {row!r:.150} is {value!r:.60}" if value != row[column] else ""


class Late(BaseException):
    """A command takes too long, which nothing may tell otherwise."""


class Rows:
    """A row a trial."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "rows"
        self._sound, self._run, self._pipeline = (self._home / n for n in ("sound", "run", "pipeline.yaml"))
        self._before: list[Any] = []
        self._whole = ""

    def __call__(self, rng: Random) -> str | None:
        if not self._before:
            self._prepare()
        shutil.rmtree(self._run, ignore_errors=True)
        shutil.copytree(self._sound, self._run)
        what = spoil(self._run / storage.DATABASE, rng)
        told = self._read() or (self._gone_on() if rng.random() < 0.2 else None)
        return told and f"{what}: {told}"

    def _prepare(self) -> None:
        self._home.mkdir()
        ran = run_pipeline(pipeline(self._home, CAST, steps=3, attempts={"k": 4, "again": 2}), self._home)
        ran.folder.rename(self._sound)
        command("regrade", str(self._sound))
        command("label", str(self._sound))
        with closing(sqlite3.connect(self._sound / storage.DATABASE)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # so that a copy is one file
        self._before = _proved(self._sound)
        shutil.copytree(self._sound, self._run)
        self._resumed()
        self._whole = self._digest()

    def _read(self) -> str | None:
        run = str(self._run)
        code, told = command("doctor", run)
        if "Traceback" in told:
            return f"doctor: {told[-700:]}"
        if code == 0 and _proved(self._run) != self._before:
            return "doctor finds nothing"
        reading = (("status", run), ("show", run, "1.1.0"), ("show", run), ("diff", run, run))
        for arguments in (*reading, ("export", run), ("curate", run, "--by", "quality")):
            code, told = command(*arguments)
            if wrong := _wrong(code, told):
                return f"{arguments[0]}: {wrong}"
        return None

    def _gone_on(self) -> str | None:
        code, told = self._resumed()
        if wrong := _wrong(code, told):
            return f"resumed: {wrong}"
        return "resumed: another digest" if code == 0 and self._digest() != self._whole else None

    def _resumed(self) -> tuple[int, str]:
        return command("run", str(self._pipeline), "--out", str(self._run), "--resume", "--set", "steps=4")

    def _digest(self) -> str:
        with Reader.open(self._run) as ledger:
            return ledger.last_digest()


def _proved(run: Path) -> list[Any]:
    """What digests are made of."""
    with closing(sqlite3.connect(run / storage.DATABASE)) as connection:
        connection.text_factory = bytes
        return [connection.execute(query).fetchall() for query in PROVED]


def _wrong(code: int, told: str) -> str | None:
    """What is wrong with how a command ended."""
    if "Traceback" in told:
        return told[-700:]
    errors = sum(line.startswith("error: ") for line in told.splitlines())
    if code and errors != 1:
        return f"exit code {code}, {errors} errors: {told[-300:]}"
    return f"{len(told)} characters told" if len(told) > 200_000 else None


def command(*arguments: str) -> tuple[int, str]:
    """A command's exit code and all it tells, in this process: a tenth of what a process of its own takes."""
    told, before = io.StringIO(), sys.argv
    sys.argv = ["sparq", *arguments]
    try:
        with redirect_stdout(told), redirect_stderr(told), _patience():
            code = cli._run()
        if code:
            gc.collect()  # ledgers that the frames of an error hold open
    except (Exception, Late):  # noqa: BLE001 -- what would be a traceback
        return 1, told.getvalue() + traceback.format_exc()
    finally:
        sys.argv = before
    return code, told.getvalue()


@contextmanager
def _patience() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Late(f"takes more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
