"""A new run folder of what is sound in a damaged one: its steps up to the first that is damaged."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.contract.records import Example
from sparq_core.contract.tally import Tally
from sparq_core.ledger import storage
from sparq_core.ledger.conservation import check_conservation
from sparq_core.ledger.doctor import Examined, Place, digest_of, made
from sparq_core.ledger.files import copy_all
from sparq_core.ledger.proof import Proof
from sparq_core.ledger.reader import GRADING, LATER, Reader
from sparq_core.ledger.writer import Ledger


class Recovered(Struct, frozen=True):
    """What was brought over."""

    steps: int
    of: int
    attempts: int
    digest: str
    left_out: Sequence[str]


def recover(folder: Path, to: Path, examined: Examined) -> Recovered:
    """
    Write the sound steps of `folder` into the new run folder `to`, with the phases that were done on them.

    The damaged folder stays as it is, and the new one appears whole or not at all. PipelineError where it exists already,
    SparqError where nothing can be brought over.
    """
    if to.exists():
        raise PipelineError(f"{to}: already exists; choose another folder for --recover")
    if not examined.sound:
        raise SparqError(f"{folder}: no step is sound, so there is nothing to recover")
    with (
        storage.new_folder(to) as partial,
        closing(storage.open_readonly(folder / storage.DATABASE)) as damaged,
        closing(storage.create(partial / storage.DATABASE)) as connection,
    ):
        connection.execute("PRAGMA synchronous = FULL")
        _describe(damaged, connection, examined.sound[-1])
        ledger, source = Ledger(connection), Reader(damaged)
        _bring_steps(source, ledger, examined.sound)
        left_out = _bring_phases(source, ledger, folder, partial)
        check_conservation(ledger, ledger.tally())
        done = Recovered(len(examined.sound), examined.steps, ledger.tally().attempts, ledger.last_digest(), left_out)
        for name in (storage.SOURCE, storage.RESOLVED):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, partial / name)
    return done


def _describe(damaged: sqlite3.Connection, connection: sqlite3.Connection, last: Place) -> None:
    _copy(damaged, connection, "run", "1")
    _copy(damaged, connection, "grading", "id = 1")
    _copy(damaged, connection, "change", f"(round, step) <= ({last.round}, {last.step})")


def _copy(damaged: sqlite3.Connection, connection: sqlite3.Connection, table: str, where: str) -> None:
    found = damaged.execute(f"SELECT * FROM {table} WHERE {where}")
    marks = ", ".join("?" * len(found.description))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", found)


def _bring_steps(source: Reader, ledger: Ledger, sound: Sequence[Place]) -> None:
    """Commit each step anew, so that what is written is what its digest was made of."""
    proof = Proof(source)
    for place in sound:
        record, row = proof.record(place.round, place.step), source.step_row(place.round, place.step)
        (tally, in_flight) = next(
            source.query("SELECT tally, in_flight FROM step WHERE (round, step) = (?, ?)", place.round, place.step)
        )
        committed = replace(record, in_flight=in_flight)
        ledger.commit_step(committed, row.metrics, msgspec.json.decode(tally, type=Tally))


def _bring_phases(source: Reader, ledger: Ledger, folder: Path, to: Path) -> list[str]:
    """The phases of the steps that were brought over, and what they made where that is sound; tells what is left out."""
    left_out = list[str]()
    phases = source.query("SELECT round, steps, name, config, digest, detail FROM phase ORDER BY round, steps, name")
    for round_, steps, name, config, digest, detail in phases:
        if steps > ledger.steps_of(round_):
            left_out.append(f"{name} of round {round_}: its steps are not all here")
            continue
        scores = source.scores(round_, steps) if name == "benchmark" else []
        ledger.commit_phase(round_, steps, name, config, digest, detail, scores)
    return [*left_out, *_bring_curations(source, ledger), *_bring_files(ledger, folder, to), *_views(source)]


def _bring_curations(source: Reader, ledger: Ledger) -> list[str]:
    """The choices of attempts up to the first that has one which is not here: they are numbered."""
    for id_, round_, config in source.query("SELECT id, round, config FROM curation ORDER BY id"):
        chosen = source.query("SELECT problem, attempt FROM curated WHERE curation = ? ORDER BY ordinal", id_)
        examples = [Example(problem=problem, attempt=attempt) for problem, attempt in chosen]
        problems = ledger.problems_of(example.attempt for example in examples)
        if any(problems.get(example.attempt) != example.problem for example in examples):
            return [f"choices of examples from number {id_} on: not all of their attempts are here"]
        ledger.add_curation(round_, msgspec.json.decode(config), examples)
    return []


def _bring_files(ledger: Reader, folder: Path, to: Path) -> list[str]:
    left_out = []
    for path, digest in made(ledger, folder):
        if digest_of(path, ledger.run().weights_version) != digest:
            left_out.append(f"{path}: is missing, or not what its phase created; it is created again")
        elif path.is_dir():
            copy_all(path, to / path.relative_to(folder))
        else:
            (to / path.relative_to(folder)).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, to / path.relative_to(folder))
    return left_out


def _views(source: Reader) -> list[str]:
    """What is not brought over, since no digest tells whether it is sound, and one command makes it again."""
    (gradings,) = next(source.query("SELECT count(*) FROM grading WHERE id > ?", GRADING))
    (labels,) = next(source.query("SELECT count(*) FROM descriptor WHERE view = ?", LATER))
    return [
        *([f"{gradings} later gradings: see sparq regrade"] if gradings else []),
        *([f"{labels} later labels: see sparq label"] if labels else []),
    ]
