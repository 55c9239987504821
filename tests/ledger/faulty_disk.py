"""
Commands that are killed, or whose disk fails, at calls by which they change files: run with the shim loaded.

`python faulty_disk.py FOLDER ACTION JOURNAL STRIDE` tells a row for each fault, at every so many calls: what it was, the exit
code, what is then there, and what becomes of the same command without a fault.
"""

import errno
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any

from faults import Fault, in_child

import sparq_core as sparq
from sparq_core import replay
from sparq_core.ledger import migration, storage
from sparq_core.loop import session
from sparq_core.pipeline import prepare

HERE = Path(sys.argv[1])
PIPELINE, FINISHED = HERE / "pipeline.yaml", HERE / "finished"
RUN, OLD = HERE / "tried" / "run", HERE / "tried" / "old"


def create() -> None:
    """The run is asked to stop before its first step, so that all it does is to begin."""
    exists = (RUN / storage.DATABASE).exists()
    session.execute(PREPARED[0], RUN, exists, [], lambda: True)


def regrade() -> None:
    replay.regrade(RUN, [])


def curate() -> None:
    replay.curate(RUN, "curate-band", [], None)


def migrate() -> None:
    if not RUN.exists():
        migration.migrate(OLD, RUN)


def there() -> dict[str, Any]:
    """What is in the run folder, as anyone reads it."""
    if not (RUN / storage.DATABASE).exists():
        return {"begun": False, "free": storage.is_free(RUN)}
    with closing(storage.open_writable(RUN / storage.DATABASE)) as connection:
        ((sound,),) = connection.execute("PRAGMA integrity_check")
    with sparq.Reader.open(RUN) as ledger:
        counts = {
            name: next(ledger.query(f"SELECT count(*) FROM {name}"))[0] for name in ("grading", "curation", "phase")
        }
        whole = next(ledger.query("SELECT count(DISTINCT n) FROM (SELECT count(*) n FROM verdict GROUP BY grading)"))[0]
    datasets = sorted(path.name for path in (RUN / "dataset").glob("*"))
    return {"begun": True, "sound": sound, **counts, "whole": whole, "datasets": datasets}


def faults() -> Iterator[dict[str, Any]]:
    """One fault after another, up to the last call that the command makes."""
    kills = list(takewhile(lambda told: told["code"] < 0, (tried(Fault(None, nth)) for nth in range(1, MOST, STRIDE))))
    yield from kills
    for what in (errno.EIO, errno.ENOSPC):
        for nth in range(1 + what % STRIDE, 1 + STRIDE * len(kills), STRIDE):
            yield tried(Fault(None, nth, what))


def place() -> None:
    """The run folder as it was before the command."""
    shutil.rmtree(RUN.parent, ignore_errors=True)
    if ACTION is create:
        RUN.parent.mkdir()
    elif ACTION is migrate:
        shutil.copytree(Path(__file__).parent / "format_2" / "run", OLD)
    else:
        shutil.copytree(FINISHED, RUN)
        with closing(sqlite3.connect(RUN / storage.DATABASE)) as connection:
            connection.execute(f"PRAGMA journal_mode = {JOURNAL}")


def tried(fault: Fault) -> dict[str, Any]:
    place()
    code = in_child(as_command, RUN.parent, fault)
    found = {"fault": [fault.what, fault.nth], "code": code, "there": there()}
    again = in_child(as_command, RUN.parent, Fault("none", 0))
    return found | {"again": again, "then": there()}


def as_command() -> int:
    try:
        ACTION()
    except (sparq.SparqError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return getattr(error, "exit_code", 1)
    return 0


ACTIONS: dict[str, Callable[[], None]] = {"create": create, "regrade": regrade, "curate": curate, "migrate": migrate}
MOST = 1000
ACTION, JOURNAL, STRIDE = ACTIONS[sys.argv[2]], sys.argv[3], int(sys.argv[4])
if JOURNAL == "delete":
    storage.file_system = lambda _: "nfs4"  # type: ignore[assignment]
PREPARED = [prepare.load(PIPELINE)] if ACTION is create else []  # before any child, so that none need do it
if ACTION is not create:
    place()
    as_command()  # likewise for what it imports
for row in faults():
    sys.stdout.write(json.dumps(row) + "\n")
