"""Is a run folder sound? Every check that can be made of one, in the order in which damage to one spoils the next."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from sparq_core.contract.errors import HalfWrittenError, SparqError
from sparq_core.contract.tally import Tally
from sparq_core.contract.weights import weights_digest
from sparq_core.ledger import checkpoint, dataset, rows, spread, storage, totalling, totals
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.proof import UNREADABLE, Damaged, Proof
from sparq_core.ledger.reader import GRADING, Reader

MOST_TOLD = 5
"""Of each kind of damage."""


class Check(Struct, frozen=True):
    """One thing that was looked at."""

    name: str
    told: str
    """What was found to be in order."""
    damage: Sequence[str] = ()
    notes: Sequence[str] = ()
    """What is missing and will be made again."""


class Place(Struct, frozen=True):
    """A step, by its round and number."""

    round: int
    step: int

    def __str__(self) -> str:
        return f"{self.round}.{self.step}"


class Examined(Struct, frozen=True):
    """What became of all checks; later ones are left out where the ledger cannot be opened at all."""

    checks: list[Check]
    sound: list[Place]
    """The steps up to the first that is damaged: what `recover` brings over."""
    steps: int
    """How many there are."""

    @property
    def is_sound(self) -> bool:
        return not any(check.damage for check in self.checks)


def examine(folder: Path) -> Examined:
    """Look at everything in a run folder, and change nothing; PipelineError where there is no run."""
    path = folder / storage.DATABASE
    try:
        connection = storage.open_readonly(path)
    except SparqError as error:
        if isinstance(error, HalfWrittenError) or not path.is_file() or not isinstance(error.__cause__, sqlite3.Error):
            raise
        return Examined([Check("file", "", [f"{path} is not a SQLite file, or its first page is damaged"])], [], 0)
    with closing(connection):
        ledger, sound = Reader(connection), list[Place]()
        places = _places(ledger)
        checks = [
            _checked("pages", lambda: _pages(connection)),
            _checked("schema", lambda: _schema(connection)),
            _checked("settings", lambda: _settings(ledger)),
            _checked("steps", lambda: _steps(ledger, places, sound)),
            _checked("rows", lambda: _rows(ledger)),
            _checked("counts", lambda: _counts(ledger)),
            _checked("totals", lambda: _totals(ledger)),
            _checked("views", lambda: _views(ledger)),
            _checked("files", lambda: _files(ledger, folder)),
            _checked("checkpoint", lambda: _checkpoint(ledger, folder)),
        ]
    return Examined(checks, sound, len(places))


def _checked(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except (*UNREADABLE, SparqError) as error:
        return Check(name, "", [f"cannot be read: {error}"])


def _places(ledger: Reader) -> list[Place]:
    try:
        return [Place(*row) for row in ledger.query("SELECT round, step FROM step ORDER BY round, step")]
    except UNREADABLE:
        return []


def _pages(connection: sqlite3.Connection) -> Check:
    found = [row for (row,) in connection.execute(f"PRAGMA integrity_check({MOST_TOLD})") if row != "ok"]
    pairs = [
        f"{table} row {row}: refers to a missing {to}"
        for table, row, to, _ in connection.execute("PRAGMA foreign_key_check")
    ]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    return Check("pages", f"{pages:,} pages", [*found, *pairs[:MOST_TOLD]])


def _schema(connection: sqlite3.Connection) -> Check:
    tables = (
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index', 'view', 'trigger') AND sql IS NOT NULL"
    )
    with closing(storage.create(":memory:")) as fresh:
        wanted = {name: _plain(sql) for name, sql in fresh.execute(tables)}
    found = {name: _plain(sql) for name, sql in connection.execute(tables)}
    found.setdefault("total", wanted["total"])  # ledgers of earlier versions get it when they are next written
    other = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    return Check(
        "schema", f"format {storage.FORMAT}, {len(wanted)} tables", [f"table {name} was altered" for name in other]
    )


def _plain(sql: str) -> str:
    """A definition without comments, quotes and spaces, which migration writes otherwise."""
    lines = (line.partition("--")[0] for line in sql.splitlines())
    return "".join("".join(lines).replace('"', "").split())


def _settings(ledger: Reader) -> Check:
    """What was recorded of the pipeline when the run began: no digest is made of it."""
    recorded = ledger.run()
    if not recorded.pipeline:
        return Check("settings", "none recorded yet")
    msgspec.json.decode(recorded.identity or "{}", type=dict[str, Any])
    return Check("settings", f"pipeline {ledger.pipeline().name}, {len(spread.cast(ledger))} plugins")


def _steps(ledger: Reader, places: Sequence[Place], sound: list[Place]) -> Check:
    """Each step's digest, made again of its rows; gathers the steps before the first that is damaged."""
    proof, damage, unbroken = Proof(ledger), list[str](), True
    for i, place in enumerate(places):
        why = _why_damaged(proof, ledger, place, places[i - 1] if i else Place(0, 0))
        unbroken = unbroken and why is None
        if unbroken:
            sound.append(place)
        elif why:
            damage.append(why)
    told = f"{len(places):,} steps, digest {ledger.last_digest() or '(nothing committed)'}"
    more = [f"and {len(damage) - MOST_TOLD:,} more"] if len(damage) > MOST_TOLD else []
    return Check("steps", told, [*damage[:MOST_TOLD], *more])


def _why_damaged(proof: Proof, ledger: Reader, place: Place, before: Place) -> str | None:
    if place not in {Place(before.round, before.step + 1), Place(before.round + 1, 1)}:
        return f"step {place}: the one after {before} is missing"
    try:
        (tally,) = next(ledger.query("SELECT tally FROM step WHERE (round, step) = (?, ?)", place.round, place.step))
        msgspec.json.decode(tally, type=Tally)
        proof.record(place.round, place.step)
    except Damaged as error:
        return str(error)
    except UNREADABLE as error:
        return f"step {place}: cannot be read: {error}"
    return None


def _rows(ledger: Reader) -> Check:
    """Rows that no step's digest is made of, and so would go unnoticed."""
    stray = {
        table: next(
            ledger.query(f"SELECT count(*) FROM {table} WHERE (round, step) NOT IN (SELECT round, step FROM step)")
        )[0]
        for table in ("problem", "completion", "attempt", "text", "again")
    }
    (orphans,) = next(ledger.query("SELECT count(*) FROM parentage WHERE child NOT IN (SELECT id FROM problem)"))
    stray["attempt"] += next(
        ledger.query(
            "SELECT count(*) FROM attempt a JOIN problem p ON p.id = a.problem WHERE (a.round, a.step) <> (p.round, p.step)"
            " AND NOT EXISTS (SELECT 1 FROM again g WHERE (g.round, g.step, g.problem) = (a.round, a.step, a.problem))"
        )
    )[0]
    total = next(ledger.query("SELECT count(*) FROM attempt"))[0]
    misnamed = [
        id_
        for id_, *named in ledger.query("SELECT id, statement, answer, content_digest FROM problem")
        if rows.content_digest(*named[:2]) != named[2]
    ]
    damage = [f"{count:,} rows of {table} belong to no step" for table, count in stray.items() if count]
    damage += [f"{orphans:,} rows of parentage belong to no problem"] if orphans else []
    damage += [f"problem {id_}: its content digest does not match" for id_ in misnamed[:MOST_TOLD]]
    return Check("rows", f"{total:,} attempts", damage)


def _counts(ledger: Reader) -> Check:
    tally = ledger.tally()
    check_conservation(ledger, tally)
    return Check("counts", f"{tally.children:,} children and {tally.attempts:,} attempts are all accounted for")


def _totals(ledger: Reader) -> Check:
    """What `sparq status` shows without counting; totals that an older version has not kept are not believed by anyone."""
    if totals.kept(ledger.query, "steps") is None:
        return Check("totals", "the next command that writes to the run counts them")
    damage = [f"those of '{what}' are not what the rows add up to" for what in totalling.wrong(ledger)]
    return Check("totals", "all are what the rows add up to", damage)


def _views(ledger: Reader) -> Check:
    """The gradings and curations that were added later."""
    damage = [
        f"grading {grading}: has {verdicts:,} verdicts for {attempts:,} attempts"
        for grading, verdicts, attempts in ledger.query(
            "SELECT g.id, (SELECT count(*) FROM verdict v WHERE v.grading = g.id),"
            " (SELECT count(*) FROM attempt a JOIN problem p ON p.id = a.problem AND (a.round, a.step) = (p.round, p.step))"
            " FROM grading g WHERE g.id > ?",
            GRADING,
        )
        if verdicts != attempts
    ]
    broken = next(ledger.query("SELECT count(*) FROM descriptor WHERE NOT json_valid(value)"))[0]
    damage += [f"{broken:,} descriptors are not JSON"] if broken else []
    gradings, curations = next(ledger.query("SELECT count(*) FROM grading"))[0], ledger.curations()
    return Check("views", f"{gradings:,} gradings, {curations:,} choices of examples", damage)


def _files(ledger: Reader, folder: Path) -> Check:
    """What phases have made, against the digests they recorded; what is gone is made again on resume."""
    damage, notes, seen = list[str](), list[str](), 0
    version = ledger.run().weights_version
    for path, digest in made(ledger, folder):
        seen += path.exists()
        if not path.exists():
            notes.append(f"{path} is missing; `sparq run --resume` creates it again")
        elif digest_of(path, version) != digest:
            damage.append(
                f"{path}: is not what its phase created (digest {digest}); delete it, and it is created again"
            )
    return Check("files", f"{seen:,} datasets and models", damage, notes)


def _checkpoint(ledger: Reader, folder: Path) -> Check:
    """The plugins' state, which is no part of the data."""
    try:
        with checkpoint.opened(folder, ledger) as found:
            if found is None:
                return Check("checkpoint", "none")
            about = found.checkpoint
    except checkpoint.Unusable as why:
        note = f"{folder / checkpoint.FILE} {why}; `sparq run --resume` replays all steps instead"
        return Check("checkpoint", "", notes=[note])
    return Check("checkpoint", f"the plugins' state after step {about.round}.{about.step}")


def made(ledger: Reader, folder: Path) -> Iterator[tuple[Path, str]]:
    """The files and folders that phases have made, each with the digest its phase recorded last."""
    for round_, name, steps in ledger.query(
        "SELECT round, name, max(steps) FROM phase WHERE name IN ('seeds', 'curate', 'train') GROUP BY round, name"
        " ORDER BY round, name"
    ):
        if phase := ledger.phase(round_, name, steps):
            path = f"models/round-{round_}" if name == "train" else f"dataset/round-{round_}.jsonl"
            yield folder / path, phase.digest


def digest_of(path: Path, version: int) -> str | None:
    """Of what a phase has made, as the phase recorded it; None where it is gone."""
    if path.is_dir():
        return weights_digest(str(path), version)
    return dataset.file_digest(path) if path.is_file() else None
