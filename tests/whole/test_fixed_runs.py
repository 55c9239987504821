"""
Fixed pipelines, each with the digest of its run and of its dataset: with static selectors as they have been since ledgers of
format 2, with dynamic ones since these are of version 2.

A change that moves one of them changes what existing runs would have been: it belongs into the changelog, with its reason.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparq_core.ledger import dataset
from sparq_core.ledger.proof import Proof
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]


def with_plugins(pipeline: dict[str, Any], *plugins: dict[str, Any]) -> dict[str, Any]:
    pipeline["plugins"][5:5] = plugins
    return pipeline


def policy(use: str, **options: Any) -> dict[str, Any]:
    return {"use": use, "with": options}


FIXED: dict[str, tuple[Callable[[Make], dict[str, Any]], str, str]] = {
    "static": (lambda sums: sums(), "e5fbca0055239ff91e15020972040d73", "704569ad60a2fd5e"),
    "dynamic": (lambda sums: sums("map-elites"), "5fc864182dbdc45612b3a05defb75150", "e7e19a3d3617f47c"),
    "parents attempted again": (
        lambda sums: sums("map-elites", attempts={"k": 8, "again": 4}),
        "e45b8063dc3e6f4e7053512f3aac083e",
        "8614cc4254cd1663",
    ),
    "settled": (
        lambda sums: with_plugins(sums("map-elites"), policy("settled", wave=2)),
        "eff9a500be2048fe46fd5a67dabe6eae",
        "e7e19a3d3617f47c",
    ),
    "pilot": (
        lambda sums: with_plugins(sums("map-elites"), policy("pilot", first=4)),
        "69b043d7769385691355e4be32d393bb",
        "66b9aa11a4d62c74",
    ),
    "bayes": (
        lambda sums: with_plugins(sums("map-elites"), policy("bayes", wave=2, from_parents=4.0)),
        "eff9a500be2048fe46fd5a67dabe6eae",
        "e7e19a3d3617f47c",
    ),
    "bayes, not complete": (
        lambda sums: with_plugins(
            sums("map-elites", attempts={"k": 8, "again": 2}),
            policy("bayes", wave=2, complete=False, from_parents=2.0),
        ),
        "f10ae62a34175f999b6e1a533f607dc2",
        "bab3e09ce2078b92",
    ),
    "majority, seeds attempted": (
        lambda sums: with_plugins(
            sums("dynamic-uniform", attempts={"k": 8, "seeds": True}), {"use": "majority"}, {"use": "lengths"}
        ),
        "865a22a1066240f49f43d9367f33c1c8",
        "209d86a5b75156a6",
    ),
    "two rounds": (
        lambda sums: sums("map-elites", rounds=2, steps=5),
        "bc7da26dd597774182cbb011782b4322",
        "15aef8746df2d57c",
    ),
}


def found(ran: Ran) -> tuple[str, str]:
    """The run's digest, and that of its dataset, once the ledger's rows are known to make the digest of every step again."""
    path = ran.folder / "again.jsonl"
    with ran.read() as ledger:
        proof = Proof(ledger)
        assert all(proof.record(*place) for place in ledger.query("SELECT round, step FROM step"))
        dataset.write_jsonl(path, dataset.rows(ledger, dataset.chosen(ledger)))
        return ledger.last_digest(), hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_pipeline_gives_a_fixed_run(sums: Make, tmp_path: Path, name: str) -> None:
    pipeline, digest, rows = FIXED[name]
    assert found(run_pipeline(pipeline(sums), tmp_path)) == (digest, rows)


def test_a_resumed_run_is_the_same_run(sums: Make, tmp_path: Path) -> None:
    _, digest, rows = FIXED["dynamic"]
    run_pipeline(sums("map-elites", steps=4), tmp_path)
    assert found(run_pipeline(sums("map-elites"), tmp_path, resume=True)) == (digest, rows)


def test_the_fixture_has_the_seeds_these_digests_are_of(seeds: Path) -> None:
    rows = [json.loads(line) for line in seeds.read_text().splitlines()]
    assert rows == [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
