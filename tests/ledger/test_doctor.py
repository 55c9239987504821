"""A ledger that was damaged or changed by hand is noticed, and its sound steps are recovered."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from runs import sparq_command

from sparq_core.contract.errors import SparqError
from sparq_core.ledger.doctor import examine
from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Six steps of small batches."""
    seeds = tmp_path_factory.mktemp("seeds") / "seeds.jsonl"
    rows = [{"problem": f"What is {i} + {i + 3}?", "answer": str(2 * i + 3)} for i in range(5, 25)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {
        "name": "sums",
        "steps": 6,
        "batch": 4,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 4, "again": 2},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
            *({"use": use} for use in ("map-elites", "mutate", "sympy", "skills", "curate-band")),
        ],
    }


@pytest.fixture(scope="module")
def sound(pipeline: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_pipeline(pipeline, tmp_path_factory.mktemp("sound")).folder


@pytest.fixture
def run(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "run"))


def change(run: Path, sql: str) -> None:
    with closing(sqlite3.connect(run / "sparq.db")) as connection, connection:
        assert connection.execute(sql).rowcount > 0


def test_a_run_that_was_left_alone_is_sound(run: Path) -> None:
    told = sparq_command("doctor", str(run))
    assert "No damage found." in told
    assert json.loads(sparq_command("doctor", str(run), "--json"))["sound"]


BY_HAND = {
    "a statement": "UPDATE problem SET statement = 'What is 1 + 1?' WHERE id = '1.3.0'",
    "a reference answer": "UPDATE outcome SET answer = '7' WHERE problem GLOB '1.3.*'",
    "a verdict": "UPDATE verdict SET value = 'unknown' WHERE attempt IN"
    " (SELECT id FROM attempt WHERE (round, step) = (1, 3) LIMIT 3)",
    "a solve rate": "UPDATE outcome SET solve_rate = 0.3 WHERE problem GLOB '1.3.*'",
    "a completion": "UPDATE completion SET text = text || ' ' WHERE (round, step, hook) = (1, 3, 'propose')",
    "a seed of the sampler": "UPDATE attempt SET seed = seed + 1 WHERE (round, step) = (1, 3)",
    "labels": "DELETE FROM descriptor WHERE problem IN (SELECT id FROM problem WHERE (round, step) >= (1, 3))",
    "texts": "UPDATE text SET blob = (SELECT blob FROM text WHERE problem GLOB '1.2.*' LIMIT 1) WHERE problem GLOB '1.3.*'",
    "parents": "UPDATE step SET parents = '[]' WHERE (round, step) = (1, 3)",
    "attempts at a parent": "UPDATE again SET correct = correct + 1 WHERE (round, step) >= (1, 3)",
    "a step is gone": "DELETE FROM step WHERE (round, step) = (1, 3)",
}


@pytest.mark.parametrize("sql", BY_HAND.values(), ids=BY_HAND)
def test_what_was_changed_by_hand_is_named_with_its_step(run: Path, sql: str) -> None:
    change(run, sql)
    told = sparq_command("doctor", str(run), code=1)
    assert re.search(r"step 1\.[3-6]: its rows are not|step 1\.4: the one after 1\.2 is missing", told)
    assert re.search(r"sound, up to 1\.[2-5]\.", told)


def test_resume_refuses_a_step_that_was_changed(pipeline: dict[str, Any], run: Path, tmp_path: Path) -> None:
    change(run, BY_HAND["a statement"])
    with pytest.raises(SparqError, match=r"step 1\.3: its rows are not those") as refused:
        run_pipeline(pipeline, tmp_path, resume=True)
    assert "sparq doctor" in refused.value.__notes__[0]


BESIDE = {
    "the run's description is gone": ("DELETE FROM run", "status"),
    "a choice of nothing": ("UPDATE curated SET problem = 1e308 WHERE ordinal = 0", "export"),
    "metrics of nothing": ("UPDATE step SET metrics = '[[]]' WHERE (round, step) = (1, 3)", "rebin"),
    "a horizon that is no number": ("UPDATE step SET horizon = 'x' WHERE (round, step) = (1, 3)", "rebin"),
    "labels that are no JSON": ("UPDATE descriptor SET value = CAST(x'41ff' AS TEXT)", "export"),
    "a number that is a text": (
        "UPDATE attempt SET k = CAST(x'41ff' AS TEXT) WHERE id = (SELECT attempt FROM curated LIMIT 1)",
        "export",
    ),
    "texts of another step": ("UPDATE text SET round = 9 + round", "export"),
    "plugins of nothing": ('UPDATE run SET "cast" = 7', "report"),
}


@pytest.mark.parametrize(("sql", "command"), BESIDE.values(), ids=BESIDE)
def test_a_command_that_meets_damage_says_so(run: Path, sql: str, command: str) -> None:
    change(run, sql)
    told = sparq_command(command, str(run), code=1)
    assert "cannot be read (" in told
    assert "`sparq doctor RUN` says what can be recovered" in told


STRAY = {
    "a parent": "INSERT INTO parentage VALUES ('7.7.7', 0, '0.1.0')",
    "a problem": "INSERT INTO problem SELECT '1.9.0', 1, 9, 0, operator, statement, answer, solution, extra, ordinal, NULL,"
    " NULL, NULL, content_digest FROM problem WHERE id = '1.3.0'",
    "an attempt": "INSERT INTO attempt SELECT 100000, problem, 9, 9, k, model, seed, tokens, prompt_tokens, finish FROM attempt"
    " LIMIT 1",
}


@pytest.mark.parametrize("sql", STRAY.values(), ids=STRAY)
def test_rows_that_no_step_has_made_are_noticed(run: Path, sql: str) -> None:
    change(run, sql)
    assert "belong to no " in sparq_command("doctor", str(run), code=1)


def test_the_sound_steps_are_recovered_and_gone_on_with(
    pipeline: dict[str, Any], sound: Path, run: Path, tmp_path: Path
) -> None:
    change(run, BY_HAND["a verdict"])
    before = (run / "sparq.db").read_bytes()
    told = sparq_command("doctor", str(run), "--recover", str(tmp_path / "again" / "run"))
    assert "of 7 steps" in told
    assert (run / "sparq.db").read_bytes() == before
    run_pipeline(pipeline, tmp_path / "again", resume=True)
    with Reader.open(sound) as whole, Reader.open(tmp_path / "again" / "run") as recovered:
        assert recovered.last_digest() == whole.last_digest()
    assert "already exists" in sparq_command("doctor", str(run), "--recover", str(tmp_path / "again" / "run"), code=2)


@pytest.mark.parametrize("cut", [1, 4096, 30_000])
def test_a_file_cut_short_is_noticed_and_never_a_traceback(run: Path, cut: int) -> None:
    data = (run / "sparq.db").read_bytes()
    (run / "sparq.db").write_bytes(data[:-cut])
    sparq_command("doctor", str(run), code=1)


def test_a_file_that_is_no_database_is_said_to_be(run: Path) -> None:
    (run / "sparq.db").write_bytes(b"gone" * 5000)
    assert "not a SQLite file" in sparq_command("doctor", str(run), code=1)


PROVED = {
    "step": "round, step, parents, digest",
    "model": "*",
    "problem": "*",
    "parentage": "*",
    "completion": "*",
    "attempt": "*",
    "text": "*",
    "verdict": "*",
    "outcome": "*",
    "again": "*",
    "descriptor": "*",
}
"""What the digests of steps are made of. Not the run's description, which is compared on resume, tallies and phases."""


def contents(path: Path) -> list[Any]:
    """Every row that a digest is made of."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        return [connection.execute(f"SELECT {columns} FROM {table}").fetchall() for table, columns in PROVED.items()]


def flips(path: Path, rng: Random, number: int) -> Iterator[int]:
    """Flip one bit after the other, each in the file as it was; gives the offsets."""
    data = path.read_bytes()
    for _ in range(number):
        offset = rng.randrange(len(data))
        flipped = data[offset] ^ (1 << rng.randrange(8))
        path.write_bytes(data[:offset] + bytes([flipped]) + data[offset + 1 :])
        yield offset
    path.write_bytes(data)


@pytest.mark.parametrize("number", range(3))
def test_a_flipped_bit_is_noticed_or_changes_nothing(run: Path, number: int) -> None:
    path = run / "sparq.db"
    before = contents(path)
    silent = []
    for offset in flips(path, Random(number), 12):
        with suppress(SparqError):
            if examine(run).is_sound and contents(path) != before:
                silent.append(offset)
    assert silent == []


def test_recovery_leaves_a_folder_that_is_not_its_own(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "again.partial" / "mine"
    mine.mkdir(parents=True)
    assert "is in the way" in sparq_command("doctor", str(run), "--recover", str(tmp_path / "again"), code=2)
    assert mine.exists()
