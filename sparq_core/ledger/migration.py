"""Ledgers of older formats copied forward: a run folder anew, never in place, with one step for each format since."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.ledger import storage
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.files import PARTIAL, copy_all
from sparq_core.ledger.reader import Reader


class Migrated(NamedTuple):
    """What a migration came to."""

    folder: Path
    before: int
    """The format the ledger had."""
    digest: str
    """Of the run, the same before and after."""
    notes: list[str]
    """What is to be changed by hand: the user's own pipeline file is left alone."""


def migrate(folder: Path, to: Path) -> Migrated:
    """
    Copy a run folder into `to`, its ledger in today's format; the models are linked where the file system can.

    The copy appears whole or not at all. PipelineError where there is nothing to copy or it cannot be done.
    """
    path = folder / storage.DATABASE
    storage.check_there(path)
    if to.exists():
        raise PipelineError(f"{to}: already exists; choose another --to")
    with storage.locked(folder):
        before = _format(path)
        with storage.new_folder(to) as partial:
            _copy_files(folder, partial)
            _copy_ledger(path, partial / storage.DATABASE)
            notes = _step_forward(partial, before)
            digest = _checked(folder, partial)
    return Migrated(to, before, digest, notes)


def _format(path: Path) -> int:
    """The format of a ledger that can be copied forward; opened for writing, so that a killed writer's half is rolled back."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            raise SparqError(f"{path}: cannot be read as a ledger: {error}") from error
    if version == storage.FORMAT:
        raise PipelineError(f"{path}: is of format {version} already; there is nothing to migrate")
    if version not in STEPS:
        known = " and ".join(map(str, STEPS))
        raise PipelineError(f"{path}: is of format {version}; this version copies only format {known} forward")
    return int(version)


def _copy_files(folder: Path, to: Path) -> None:
    def left_out(path: Path) -> bool:
        return path.name.startswith(storage.DATABASE) or path.name == storage.LOCK or path.name.endswith(PARTIAL)

    def copy(source: Path, target: Path) -> None:
        if source.relative_to(folder).parts[0] == "models":
            with suppress(OSError):
                target.hardlink_to(source)
                return
        shutil.copy2(source, target)

    copy_all(folder, to, copy, left_out)


def _copy_ledger(path: Path, to: Path) -> None:
    source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _step_forward(folder: Path, before: int) -> list[str]:
    notes: list[str] = []
    with closing(sqlite3.connect(folder / storage.DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN")
        for version in range(before, storage.FORMAT):
            notes += STEPS[version](connection)
        connection.execute(f"PRAGMA user_version = {storage.FORMAT}")
        connection.execute("COMMIT")
        storage.make_durable(connection, folder)
        (pipeline,) = connection.execute("SELECT pipeline FROM run").fetchone()
    resolved = yaml.safe_dump(json.loads(pipeline), sort_keys=False, allow_unicode=True)
    (folder / storage.RESOLVED).write_text(resolved, encoding="utf-8")
    return notes


def _checked(folder: Path, copy: Path) -> str:
    """The copy's digest, once it is known to be the original's and its counts add up."""
    last = "SELECT digest FROM step ORDER BY round DESC, step DESC LIMIT 1"
    with closing(sqlite3.connect(f"{(folder / storage.DATABASE).resolve().as_uri()}?mode=ro", uri=True)) as original:
        row = original.execute(last).fetchone()
    with Reader.open(copy) as reader:
        check_conservation(reader, reader.tally())
        digest = reader.last_digest()
    if digest != (row[0] if row else ""):
        raise SparqError(f"{copy}: the copy's digest {digest} is not that of {folder}; please report this")
    return digest


# -- one step a format -------------------------------------------------------------------------------------------------

POLICIES = {
    "settled": {"complete": "complete", "wave": "wave"},
    "pilot": {"complete": "complete", "pilot": "first"},
    "bayes": {name: name for name in ("complete", "wave", "prior", "from_parents", "worth")},
}
"""Options of format 2 under `attempts`, each with its name in the plugin that has it since."""
POLICY_SETTINGS = ("policy", "complete", "wave", "pilot", "prior", "from_parents", "worth")
"""All settings that policies had under `attempts`."""


def _from_2(connection: sqlite3.Connection) -> list[str]:
    """
    Format 3: how many attempts a problem gets is a plugin; the ledger knows the pipeline's folder and accepted changes.

    A step's digest is made of what it holds, not of the pipeline's form, so the chain of digests stays as it is.
    """
    (name, pipeline, identity, cast) = connection.execute('SELECT name, pipeline, identity, "cast" FROM run').fetchone()
    plan, same, members = json.loads(pipeline), json.loads(identity), json.loads(cast)
    attempts = plan["attempts"]
    policy = _moved(attempts)
    _moved(same["attempts"])
    readers = _seed_readers(plan["plugins"], same["plugins"])
    curates = _curate_by_skills(plan["plugins"])
    if policy:
        plan["plugins"].append(policy)
        same["plugins"][policy["use"]] = {"with": policy["with"], "files": {}}
        members[policy["use"]] = members.get("band", "sparq-engine")
        (grading,) = connection.execute("SELECT config FROM grading WHERE id = 1").fetchone()
        graded = json.loads(grading) | {policy["use"]: {"hooks": ["policy"], "with": policy["with"]}}
        connection.execute(
            "UPDATE grading SET plugins = ?, config = ? WHERE id = 1", (json.dumps(list(graded)), json.dumps(graded))
        )
    connection.execute("DROP TABLE run")
    connection.execute(
        "CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL, base TEXT NOT NULL,"
        ' pipeline TEXT NOT NULL, identity TEXT NOT NULL, "cast" TEXT NOT NULL)'
    )
    rows = [json.dumps(value, ensure_ascii=False) for value in (plan, same, members)]
    connection.execute("INSERT INTO run VALUES (1, ?, '', ?, ?, ?)", (name, *rows))
    connection.execute(
        "CREATE TABLE change (id INTEGER PRIMARY KEY, round INTEGER NOT NULL, step INTEGER NOT NULL, setting TEXT NOT NULL,"
        " before TEXT NOT NULL, after TEXT NOT NULL)"
    )
    notes = [f"give {use} the option `extra: []` in your pipeline file: this run's seeds have none" for use in readers]
    notes += ["give curate the option `niches: {skills: {}}` in your pipeline file: it used skills"] * curates
    if policy:
        notes.append(
            f"take {', '.join(POLICY_SETTINGS)} out of `attempts` in your pipeline file, and write this line under `plugins`: "
            + json.dumps(policy)
        )
    return notes


def policy_line(attempts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The plugin that has the options of a policy under `attempts`; None where all K were drawn, or no such policy was."""
    use = attempts.get("policy", "fixed")
    if not isinstance(use, str) or use not in POLICIES:
        return None
    return {"use": use, "with": {new: attempts[old] for old, new in POLICIES[use].items() if old in attempts}}


def _moved(attempts: dict[str, Any]) -> dict[str, Any] | None:
    """Takes the options of policies out of `attempts`; the plugin that has them now, None where all K were drawn."""
    line = policy_line(attempts)
    for name in POLICY_SETTINGS:
        del attempts[name]
    return line


def _curate_by_skills(plan: list[dict[str, Any]]) -> bool:
    """Says of `curate` whose labels made its niches, where it went by its default of format 2; whether it did."""
    found = [entry for entry in plan if entry["use"] == "curate" and "niches" not in entry["with"]]
    for entry in found:
        entry["with"]["niches"] = {entry["with"].pop("labels", "skills"): {}}
    return bool(found)


def _seed_readers(plan: list[dict[str, Any]], same: dict[str, Any]) -> list[str]:
    """Says of the readers of seeds that they kept no further columns, as was so in format 2; gives their names."""
    found = [entry for entry in plan if entry["use"] in {"jsonl-seeds", "parquet-seeds", "datasets-seeds"}]
    for entry in found:
        entry["with"]["extra"] = []
    for name, member in same.items():
        if name.partition("#")[0] in {entry["use"] for entry in found}:
            member["with"]["extra"] = []
    return [entry["use"] for entry in found]


STEPS: dict[int, Callable[[sqlite3.Connection], list[str]]] = {2: _from_2}
"""What brings a ledger from each format to the next; gives what the user has to change by hand."""
