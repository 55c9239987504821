"""
Fixed pipelines, each with the digest of its run and of its dataset as they have been since ledgers of format 2.

A change that moves one of them changes what existing runs would have been: it belongs into the changelog, with its reason.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparq_core.ledger import dataset
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]


def with_plugins(pipeline: dict[str, Any], *plugins: dict[str, Any]) -> dict[str, Any]:
    pipeline["plugins"][5:5] = plugins
    return pipeline


def policy(use: str, **options: Any) -> dict[str, Any]:
    return {"use": use, "with": options}


FIXED: dict[str, tuple[Callable[[Make], dict[str, Any]], str, str]] = {
    "static": (lambda sums: sums(), "e5fbca0055239ff91e15020972040d73", "704569ad60a2fd5e"),
    "dynamic": (lambda sums: sums("map-elites"), "326444092d96024404c0a5965a5c25e0", "8ad4dab6417fa3f5"),
    "parents attempted again": (
        lambda sums: sums("map-elites", attempts={"k": 8, "again": 4}),
        "1caa71da29e4cf2bc6f5bca32728ebe3",
        "8ad4dab6417fa3f5",
    ),
    "settled": (
        lambda sums: with_plugins(sums("map-elites"), policy("settled", wave=2)),
        "c282aded95b82226d14e95051f4ffe1c",
        "8ad4dab6417fa3f5",
    ),
    "pilot": (
        lambda sums: with_plugins(sums("map-elites"), policy("pilot", first=4)),
        "f910f2aaa73033fbccc54e78c0ada49b",
        "4ac1b8d5387eb429",
    ),
    "bayes": (
        lambda sums: with_plugins(sums("map-elites"), policy("bayes", wave=2, from_parents=4.0)),
        "c282aded95b82226d14e95051f4ffe1c",
        "8ad4dab6417fa3f5",
    ),
    "bayes, not complete": (
        lambda sums: with_plugins(
            sums("map-elites", attempts={"k": 8, "again": 2}),
            policy("bayes", wave=2, complete=False, from_parents=2.0),
        ),
        "f8c133f0a1ee455d60c79031deb64bd4",
        "5bbf80b18577e00e",
    ),
    "majority, seeds attempted": (
        lambda sums: with_plugins(
            sums("dynamic-uniform", attempts={"k": 8, "seeds": True}), {"use": "majority"}, {"use": "lengths"}
        ),
        "b686b1f09abfa4d1cb08c098e7f7c06d",
        "8caf0c5d758c087a",
    ),
    "two rounds": (
        lambda sums: sums("map-elites", rounds=2, steps=5),
        "f51a536858dca1e1e16c4b40d9404cee",
        "03162c78f147559b",
    ),
}


def found(ran: Ran) -> tuple[str, str]:
    """The run's digest, and that of its dataset."""
    path = ran.folder / "again.jsonl"
    with ran.read() as ledger:
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
