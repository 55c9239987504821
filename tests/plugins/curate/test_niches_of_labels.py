"""Niches of labels as selection has them: of 7,500 seeds' labels the hundred most common count, in curation and in `status`."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from runs import sparq_command

import sparq_core as sparq
from sparq_core.ledger import storage
from sparq_core.ledger.overview import curated_niches
from sparq_core.ledger.reader import Reader
from sparq_core.testing import run_pipeline
from sparq_curate import Curate, CurateConfig

SEEDS, CHILDREN, COMMON = 7_500, 15_000, 100
IDENTITY = {"plugins": {"static-uniform": {"with": {"niches": {"skills": {"top": COMMON, "max": 3}}}, "files": {}}}}


def labelled() -> Iterator[tuple[int, list[str]]]:
    """
    Round and labels of each problem, as a labeller gives them: half have three common skills, half one and two of their own.

    Each hundredth seed has the same skill that is not among the hundred most common.
    """
    rng = sparq.generator(3)
    for i in range(SEEDS + CHILDREN):
        common = [f"skill {k}" for k in rng.sample(range(COMMON), 3)]
        names = common if i % 2 else [common[0], f"lemma {i} of its own", f"theorem {i} of its own"]
        yield int(i >= SEEDS), sorted(names if i % 100 else [*names[:2], "a rare skill"])


@pytest.fixture(scope="module")
def ledger() -> Iterator[Reader]:
    """A ledger of the size of the paper's pool: a correct attempt at each problem, and qualities that labels say nothing of."""
    connection, rng = storage.create(":memory:"), sparq.generator(4)
    with closing(connection), connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO run VALUES (1, 'pool', '', '{}', ?, '{}')", (json.dumps(IDENTITY),))
        for number, (round_, labels) in enumerate(labelled()):
            id_ = f"{round_}.1.{number}"
            connection.execute(
                "INSERT INTO problem VALUES (?, ?, 1, ?, 'mutate', '', '1', '', '{}', NULL, NULL, NULL, NULL, '')",
                (id_, round_, number),
            )
            connection.execute(
                "INSERT INTO outcome VALUES (1, ?, '1', 1, 1, 0, 0.5, 'kept', '', ?)", (id_, rng.random())
            )
            connection.execute("INSERT INTO descriptor VALUES (1, ?, 'skills', ?)", (id_, json.dumps(labels)))
            connection.execute(
                "INSERT INTO attempt VALUES (?, ?, ?, 1, 0, 1, 0, 1, 1, 'stop')", (number + 1, id_, round_)
            )
            connection.execute("INSERT INTO verdict VALUES (1, ?, 'correct', '', '', '1')", (number + 1,))
        connection.execute("COMMIT")
        yield Reader(connection)


def chosen(ledger: Reader, **options: Any) -> list[sparq.Child]:
    config = CurateConfig(scope="round", solutions=1, **options)
    return [ledger.child(e.problem) for e in Curate(config).curate(ledger, 1, sparq.generator(1))]


def sets_of(ledger: Reader, children: list[sparq.Child]) -> set[sparq.Niche]:
    niches = ledger.niches(ledger.axes())
    return {niches.of(child.descriptors) for child in children}


def test_the_universe_is_the_hundred_most_common_skills_of_the_seeds(ledger: Reader) -> None:
    niches = ledger.niches({"skills": sparq.Axis(top=COMMON)})
    assert niches.of({"skills": ["a rare skill", "lemma 0 of its own", "skill 7"]}) == (("skill 7",),)
    every = ledger.niches({"skills": sparq.Axis(top=None)})
    assert every.of({"skills": ["a rare skill", "lemma 0 of its own"]}) == (("a rare skill", "lemma 0 of its own"),)


@pytest.mark.parametrize("by", ["diversity", "qd"])
def test_labels_of_a_problems_own_make_no_niches(ledger: Reader, by: str) -> None:
    """A tenth of 15,000 problems: by raw labels all of it went to those that two labels of their own make new."""
    children = chosen(ledger, by=by, budget=CHILDREN // 10)
    own = [child for child in children if any("of its own" in label for label in child.descriptors["skills"])]
    assert len(own) < 0.15 * len(children)
    assert len(sets_of(ledger, children)) > 0.9 * len(children)


def test_within_the_budget_qd_still_takes_the_best(ledger: Reader) -> None:
    assert fmean(child.quality for child in chosen(ledger, by="qd", budget=CHILDREN // 10)) > 0.85


def test_a_budget_beyond_the_niches_goes_round_again(ledger: Reader) -> None:
    few = {"skills": sparq.Axis(top=10, max=1)}
    children = chosen(ledger, by="qd", budget=100, niches=few)
    niches = ledger.niches(few)
    shares = Counter(niches.of(child.descriptors) for child in children)
    assert len(shares) == 11
    assert set(shares.values()) == {9, 10}


def test_niches_that_are_filled_are_those_of_the_seeds(ledger: Reader) -> None:
    connection = ledger._connection
    connection.execute("INSERT INTO curation VALUES (1, 1, '{}')")
    connection.execute(
        "INSERT INTO curated SELECT 1, p.child, p.id, p.child + 1 FROM problem p WHERE p.round = 1 AND p.child < ?",
        (SEEDS + 2_000,),
    )
    filled = curated_niches(ledger, "skills", ledger.axes()["skills"])
    assert sum(niche.problems for niche in filled.values()) == 2_000
    labels = frozenset[str]().union(*map(sparq.labels_of, filled))
    assert labels == {f"skill {k}" for k in range(COMMON)}


OWN = """
import sparq_core as sparq


class Own:
    describes = ("skills",)

    @sparq.hookimpl
    def describe(self, cases):
        return [{"skills": ["common", f"own {case.problem.id}"]} for case in cases]
"""


def test_status_counts_as_the_selector_does(tmp_path: Path, sums: Any) -> None:
    (tmp_path / "own.py").write_text(OWN)
    pipeline = sums(steps=3)
    pipeline["plugins"][1]["with"] = {"niches": {"skills": {"top": 1, "max": 3}}}
    pipeline["plugins"][5] = {"use": "./own.py:Own"}
    run_pipeline(pipeline, tmp_path)
    labels = json.loads(sparq_command("status", str(tmp_path / "run"), "--json"))["curated"]["labels"]["skills"]
    assert (labels["unique"], labels["sets"], labels["entropy"]) == (1, 1, 0.0)
