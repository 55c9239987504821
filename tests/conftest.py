"""Shared fixtures: a small pipeline of sums that runs without a model, and a run of one."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sparq_core.testing import run_pipeline

os.environ["HF_HUB_OFFLINE"] = "1"

Pipeline = dict[str, Any]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """Forty seed problems as JSON lines."""
    path = tmp_path / "seeds.jsonl"
    rows = [{"problem": f"What is {i + 5} + {3 * i + 7}?", "answer": str(4 * i + 12)} for i in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def sums(seeds: Path) -> Callable[..., Pipeline]:
    """A pipeline over the scripted model; keyword arguments replace top-level settings."""

    def make(select: str = "static-uniform", admit: bool = True, **settings: Any) -> Pipeline:
        cast = [
            {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
            {"use": select},
            {"use": "mutate"},
            *([{"use": "duplicates"}] if admit else []),
            {"use": "sympy"},
            {"use": "skills"},
            {"use": "curate-band"},
        ]
        pipeline: Pipeline = {
            "name": "sums",
            "seed": 1,
            "steps": 10,
            "batch": 6,
            "in_flight": 3,
            "models": {"student": {"use": "scripted", "model": "sums"}},
            "attempts": {"k": 8},
            "plugins": cast,
        }
        return {**pipeline, **settings}

    return make


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run whose seeds were attempted, too."""
    folder = tmp_path_factory.mktemp("finished")
    seeds = folder / "seeds.jsonl"
    rows = [{"problem": f"What is {i} + {i + 3}?", "answer": str(2 * i + 3)} for i in range(5, 45)]
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pipeline: dict[str, Any] = {
        "name": "sums",
        "seed": 1,
        "steps": 8,
        "batch": 8,
        "models": {"student": {"use": "scripted", "model": "sums"}},
        "attempts": {"k": 8, "seeds": True},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": str(seeds)}},
            {"use": "static-uniform"},
            {"use": "mutate"},
            {"use": "sympy"},
            {"use": "band"},
            {"use": "skills"},
            {"use": "curate-band"},
        ],
    }
    run_pipeline(pipeline, folder)
    return folder / "run"
