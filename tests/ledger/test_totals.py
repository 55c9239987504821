"""The totals that a ledger keeps are what its rows add up to, whatever was written, and in ledgers of earlier versions, too."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from runs import sparq_command

import sparq_core as sparq
from sparq_core.contract.sampling import Place
from sparq_core.contract.tally import Tally
from sparq_core.ledger import afresh, overview, storage, totals
from sparq_core.ledger.entries import StepRecord, Worked
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]


def told(ledger: Reader) -> dict[str, Any]:
    """What totals say, through the doors that everybody uses."""
    keys = [key for key, is_labels in ledger.descriptors().items() if is_labels]
    axes = {key: afresh.axis_of(ledger, key) for key in keys}
    return {
        "operators": overview.operators(ledger),
        "labelled": overview.labelled(ledger),
        "descriptors": ledger.descriptors(),
        "niches": {key: overview.labelled_niches(ledger, key, axis) for key, axis in axes.items()},
        "curated": overview.curated(ledger),
        "curated niches": {key: overview.curated_niches(ledger, key, axis) for key, axis in axes.items()},
    }


def counted(ledger: Reader) -> dict[str, Any]:
    """The same, counted from the rows."""
    found = totals.values(ledger.query)
    axes = {key: afresh.axis_of(ledger, key) for key, (every, lists) in found.items() if every == lists}
    return {
        "operators": afresh.operators(ledger),
        "labelled": afresh.labelled(ledger),
        "descriptors": {key: every == lists for key, (every, lists) in found.items()},
        "niches": {key: afresh.labelled_niches(ledger, key, axis) for key, axis in axes.items()},
        "curated": afresh.curated(ledger),
        "curated niches": {key: afresh.curated_niches(ledger, key, axis) for key, axis in axes.items()},
    }


def check(ledger: Reader) -> None:
    assert totals.kept(ledger.query, "steps") is not None
    assert told(ledger) == counted(ledger)


@pytest.fixture
def ran(sums: Make, tmp_path: Path) -> Ran:
    return run_pipeline(sums("map-elites", rounds=2, steps=6, attempts={"k": 8, "again": 2}), tmp_path)


def test_a_runs_totals_are_what_its_rows_add_up_to(ran: Ran) -> None:
    with ran.read() as ledger:
        check(ledger)
        assert sum(made.children for made in overview.operators(ledger).values()) == ledger.tally().children
        assert overview.curated(ledger) > 0


def test_labels_and_choices_that_come_later_are_added(ran: Ran) -> None:
    sparq_command("label", str(ran.folder))
    with ran.read() as ledger:
        check(ledger)
        found = overview.labelled(ledger)
        assert found.described == found.attempted
    sparq_command("curate", str(ran.folder), "--budget", "5")
    with ran.read() as ledger:
        check(ledger)
        assert overview.curated(ledger) == 5


def without_totals(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "sparq.db")) as connection, connection:
        connection.execute("DROP TABLE total")


def test_a_ledger_of_an_earlier_version_gets_totals_when_it_is_written(sums: Make, tmp_path: Path) -> None:
    pipeline = sums("map-elites", steps=5)
    ran = run_pipeline(pipeline, tmp_path)
    status = json.loads(sparq_command("status", str(ran.folder), "--json"))
    without_totals(ran.folder)
    assert json.loads(sparq_command("status", str(ran.folder), "--json")) == status
    assert "No damage found." in sparq_command("doctor", str(ran.folder))
    again = run_pipeline({**pipeline, "steps": 8}, tmp_path, resume=True)
    with again.read() as ledger:
        check(ledger)


def test_totals_that_an_earlier_version_has_not_kept_are_not_believed(sums: Make, tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=5), tmp_path)
    with closing(sqlite3.connect(ran.folder / "sparq.db")) as connection, connection:
        connection.execute("UPDATE total SET problems = 3 WHERE what = 'steps'")
        connection.execute("UPDATE total SET problems = 77 WHERE what = 'made'")
    with ran.read() as ledger:
        assert totals.kept(ledger.query, "steps") is None
        assert told(ledger) == counted(ledger)


def test_the_doctor_notices_totals_that_are_wrong(sums: Make, tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=5), tmp_path)
    with closing(sqlite3.connect(ran.folder / "sparq.db")) as connection, connection:
        connection.execute("UPDATE total SET problems = problems + 1 WHERE what = 'niche'")
    assert "totals: " in sparq_command("doctor", str(ran.folder), code=1)


@pytest.mark.parametrize("spoilt", ["problems = 'x'", "best = 'x'", "problems = 0.5", "key = CAST(x'41ff' AS TEXT)"])
def test_a_run_whose_totals_were_spoilt_goes_on_and_counts_them(sums: Make, tmp_path: Path, spoilt: str) -> None:
    ran = run_pipeline(sums(steps=3), tmp_path)
    with closing(sqlite3.connect(ran.folder / "sparq.db")) as connection, connection:
        connection.execute(f"UPDATE total SET {spoilt} WHERE what = 'values'")
    with run_pipeline(sums(steps=4), tmp_path, resume=True).read() as ledger:
        check(ledger)


VALUES: list[Any] = [None, [], ["a"], ["a", "b"], ["b", "c", "d", "e"], "a", 1.5, [0.5, 0.25], ["a", 1]]
"""What a descriptor may be."""


def steps(rng: Random, lists: bool) -> Iterator[StepRecord]:
    """Seeds and three steps of children described by whatever comes, some not at all; keys come and go."""
    values = VALUES[:5] if lists else VALUES
    for place in ((0, 1), (1, 1), (1, 2), (2, 1)):
        keys = rng.sample(["p", "q", "r"], rng.randint(0, 3))
        children = [_child(rng, (*place, i), keys, values) for i in range(rng.randint(1, 6))]
        worked = tuple(_worked(child) for child in children)
        yield StepRecord(
            round=place[0], step=place[1], horizon=0, in_flight=1, parents=(), model="m", worked=worked, completions=()
        )


def _child(rng: Random, place: tuple[int, int, int], keys: list[str], values: list[Any]) -> sparq.Child:
    problem = sparq.Problem(id="{}.{}.{}".format(*place), statement="?", operator=rng.choice("xy"))
    if rng.random() < 0.2:
        return sparq.Child.turned_away(problem, sparq.Rejection("admit", "duplicates", "duplicate"))
    described = {key: rng.choice(values) for key in keys if rng.random() < 0.8}
    outcome: Any = rng.choice(["kept", "out-of-band"])
    quality = rng.choice([0.0, 0.25, 0.5])
    return sparq.Child(problem=problem, outcome=outcome, quality=quality, descriptors=described)


def _worked(child: sparq.Child) -> Worked:
    case = None if child.rejection else sparq.Case(child.problem, (), child.counts)
    return Worked(proposed=child.problem, child=child, case=case)


@pytest.mark.parametrize("lists", [True, False])
def test_totals_add_up_whatever_problems_are_described_by(lists: bool) -> None:
    for seed in range(60):
        rng = Random(seed)
        with closing(storage.create(":memory:")) as connection:
            ledger = Ledger(connection)
            ledger.describe_run("run", "", "{}", "{}", {}, {})
            for record in steps(rng, lists):
                ledger.commit_step(record, {}, Tally())
                check(ledger)
            ledger.add_labels(Place(0, 1, 1), later(ledger, rng))
            check(ledger)
            with ledger._transaction():  # as an older version's table would be filled
                ledger._totals.count_anew()
            check(ledger)


def later(ledger: Ledger, rng: Random) -> dict[str, dict[str, Any]]:
    """Labels for some of the problems that have none."""
    rows = ledger.query("SELECT problem FROM outcome WHERE problem NOT IN (SELECT problem FROM descriptor)")
    return {id_: rng.choice([{}, {"p": ["a"]}, {"z": ["z"], "q": None}]) for (id_,) in rows if rng.random() < 0.5}
