"""Commands that are killed, or whose disk fails, at a call by which they change the folder; then the same command again."""

import errno
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from faults import Fault
from faults.kills import pipeline

from sparq_core.ledger import storage
from sparq_core.testing import run_pipeline
from sweeps.children import NO_FAULT, Done, State, difference, sparq, state

OLD = Path(__file__).parents[1] / "ledger" / "format_2"
CAST = ("static-uniform", "mutate", "sympy", "skills", "curate-band")
FILE_SYSTEMS = ("ext4", "nfs4")
FAULTS: tuple[int | Literal["kill", "torn"], ...] = ("kill", "kill", "torn", errno.EIO, errno.ENOSPC)
KILLED, USAGE = -9, 2
UNTOLD = "run/dataset/curation-2.jsonl"
"""The file of a choice that was recorded when its command was ended: the next one has a number of its own."""


class Command(NamedTuple):
    """A command, and what it finds."""

    arguments: tuple[str, ...]
    """`RUN` is the run folder, `NEW` one beside it, `PIPELINE` the run's pipeline file, `SEEDS` its data."""
    start: Literal["finished", "damaged", "old", "killed"] = "finished"
    again: Literal["same", "adds", "refuses"] = "same"
    """What it does a second time: it comes to the same, adds a view more, or says that it is done."""


COMMANDS = {
    "regrade": Command(("regrade", "RUN", "--set", "attempts.min_decided=1.0"), again="adds"),
    "rebin": Command(("rebin", "RUN", "--option", "niches={skills: {}}")),
    "label": Command(("label", "RUN")),
    "audit": Command(("audit", "RUN", "--model", "student", "--option", "solutions=2")),
    "export": Command(("export", "RUN")),
    "export as Parquet": Command(("export", "RUN", "--format", "parquet")),
    "export to a file": Command(("export", "RUN", "--to", "NEW.jsonl")),
    "export to a folder": Command(("export", "RUN", "--to", "NEW")),
    "export for a trainer": Command(("export", "RUN", "--for", "trl-dpo", "--to", "NEW", "--holdout", "0.5")),
    "curate": Command(("curate", "RUN", "--by", "quality", "--budget", "3"), again="adds"),
    "curate to a file": Command(("curate", "RUN", "--by", "diversity", "--to", "NEW.jsonl"), again="refuses"),
    "profile": Command(
        ("profile", "SEEDS", "--model", "scripted:sums", "--attempts", "2", "--band", "1", "1", "--out", "NEW")
    ),
    "doctor --recover": Command(("doctor", "RUN", "--recover", "NEW"), start="damaged", again="refuses"),
    "migrate": Command(("migrate", "RUN", "--to", "NEW"), start="old", again="refuses"),
    "a run that goes on": Command(("run", "PIPELINE", "--out", "RUN", "--resume", "--set", "steps=4")),
    "a killed run that goes on": Command(
        ("run", "PIPELINE", "--out", "RUN", "--resume", "--set", "steps=4"), start="killed"
    ),
}


class Known(NamedTuple):
    """A command without faults."""

    calls: int
    once: State
    twice: State
    """What comes of two, of which the first told of no file."""


class Commands:
    """All commands, on a local and on a network disk."""

    def __init__(self, folder: Path) -> None:
        self._home = folder / "commands"
        self._tried = self._home / "tried"
        self._known: dict[tuple[str, str], Known] = {}

    def __call__(self, rng: Random) -> str | None:
        name, kind = rng.choice(list(COMMANDS)), rng.choice(FILE_SYSTEMS)
        storage.file_system = lambda folder: kind
        if not self._home.exists():
            _prepare(self._home)
        if (name, kind) not in self._known:
            self._known[name, kind] = self._without_faults(COMMANDS[name], kind)
        command, known, what = COMMANDS[name], self._known[name, kind], rng.choice(FAULTS)
        nth, lasting = rng.randint(1, max(1, known.calls)), isinstance(what, int) and rng.random() < 0.3
        fault = Fault(None, nth, what, lasting)
        told = self._tried_with(command, kind, fault, known, rng)
        return told and f"{name} on {kind}, {fault}: {told}"

    def _run(self, command: Command, fault: Fault = NO_FAULT) -> Done:
        places = {
            "RUN": "tried/run",
            "NEW": "tried/new",
            "NEW.jsonl": "tried/new.jsonl",
            "PIPELINE": "pipeline.yaml",
            "SEEDS": "seeds.jsonl",
        }
        given = [str(self._home / places[a]) if a in places else a for a in command.arguments]
        return sparq(self._tried, *given, fault=fault)

    def _without_faults(self, command: Command, kind: str) -> Known:
        self._place(command, kind, None)
        first = self._run(command)
        assert first.code == 0, first.err
        once = state(self._tried)
        if command.again == "refuses":
            assert self._run(command).code == USAGE
            for new in self._tried.glob("new*"):
                shutil.rmtree(new) if new.is_dir() else new.unlink()
        second = self._run(command)
        assert second.code == 0, second.err
        return Known(first.calls, once, state(self._tried))

    def _place(self, command: Command, kind: str, rng: Random | None) -> None:
        """The folder as the command finds it."""
        shutil.rmtree(self._tried, ignore_errors=True)
        if command.start == "killed":
            self._tried.mkdir()
            begin = command._replace(arguments=tuple(a for a in command.arguments if a != "--resume"))
            if rng:
                self._run(begin, Fault(None, rng.randint(1, 150), "torn" if rng.random() < 0.5 else "kill"))
            return
        shutil.copytree(self._home / command.start, self._tried / "run")
        if command.start != "old":
            mode = "DELETE" if kind == "nfs4" else "WAL"
            with closing(sqlite3.connect(self._tried / "run" / storage.DATABASE)) as connection:
                connection.execute(f"PRAGMA journal_mode = {mode}")

    def _tried_with(self, command: Command, kind: str, fault: Fault, known: Known, rng: Random) -> str | None:
        self._place(command, kind, rng)
        first = self._run(command, fault)
        if first.code == KILLED:
            pass
        elif first.code == 0:
            if told := difference(state(self._tried), known.once):
                return f"exit code 0, but {told}"
        elif first.unclear:
            return first.unclear
        again = self._run(command)
        if again.code == 0:
            return _other(state(self._tried), known)
        if (again.code, command.again) == (USAGE, "refuses"):
            return difference(state(self._tried), known.once) or None
        return f"again: exit code {again.code}: {again.err[-300:]}"


def _other(found: State, known: Known) -> str | None:
    """How what came of a command is another than of one without faults, or of two where the first did its work untold."""
    if not (told := difference(found, known.once)):
        return None
    if UNTOLD not in found.files and UNTOLD in known.twice.files:
        found = found._replace(files=found.files | {UNTOLD: known.twice.files[UNTOLD]})
    return difference(found, known.twice) and told


def _prepare(home: Path) -> None:
    """The folders that commands find: a run that is finished, one that is damaged, and one of an older version."""
    home.mkdir()
    ran = run_pipeline(pipeline(home, CAST, steps=3, attempts={"k": 4}), home)
    ran.folder.rename(home / "finished")
    shutil.copytree(home / "finished", home / "damaged")
    with closing(sqlite3.connect(home / "damaged" / storage.DATABASE)) as connection, connection:
        connection.execute("UPDATE problem SET statement = 'What?' WHERE (round, step) = (1, 3)")
    shutil.copytree(OLD / "run", home / "old")
