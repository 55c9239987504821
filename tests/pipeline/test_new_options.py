"""A run of an older version goes on: an option which that did not know has its default, or makes another run."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.pipeline.file import pipeline_of
from sparq_core.pipeline.identity import identity_of
from sparq_core.pipeline.prepare import fitted
from sparq_core.testing import run_pipeline
from sparq_tiny import MODEL


def forget(folder: Path, plugin: str, option: str) -> None:
    """Let the run be one of a version without this option."""
    with closing(sqlite3.connect(folder / "sparq.db")) as connection, connection:
        identity = json.loads(connection.execute("SELECT identity FROM run").fetchone()[0])
        del identity["plugins"][plugin]["with"][option]
        connection.execute("UPDATE run SET identity = ?", (json.dumps(identity),))


def test_a_run_of_a_version_without_an_option_goes_on(sums: Any, tmp_path: Path) -> None:
    whole = run_pipeline(sums(steps=4), tmp_path / "whole")
    run_pipeline(sums(steps=2), tmp_path / "parts")
    forget(tmp_path / "parts" / "run", "sympy", "truncated")
    parts = run_pipeline(sums(steps=4), tmp_path / "parts", resume=True)
    with whole.read() as one, parts.read() as other:
        assert one.last_digest() == other.last_digest()


def test_dropout_is_written_only_where_it_is_used(sums: Any, tmp_path: Path) -> None:
    """It came later than runs that go on, and studies whose pools are named by the identity."""
    prepared = fitted(pipeline_of(sums(), "test"), tmp_path, "")
    assert "dropout" not in json.dumps(identity_of(prepared.run, prepared.cast))
    settings = sums(models={"student": {"use": "hf", "model": str(MODEL)}})
    settings["plugins"][2]["with"] = {"dropout": 0.1}
    prepared = fitted(pipeline_of(settings, "test"), tmp_path, "")
    assert identity_of(prepared.run, prepared.cast)["plugins"]["mutate"]["with"]["dropout"] == 0.1


def test_with_another_value_than_the_default_it_is_another_run(sums: Any, tmp_path: Path) -> None:
    pipeline = sums(steps=2)
    run_pipeline(pipeline, tmp_path)
    forget(tmp_path / "run", "sympy", "truncated")
    pipeline["plugins"][4] = {"use": "sympy", "with": {"truncated": "incorrect"}}
    with pytest.raises(sparq.PipelineError, match=r'plugins\.sympy\.with\.truncated: null → "incorrect"'):
        run_pipeline(pipeline, tmp_path, resume=True)


def test_an_option_that_is_there_is_held_to_what_it_was(sums: Any, tmp_path: Path) -> None:
    pipeline = sums(steps=2)
    pipeline["plugins"][4] = {"use": "sympy", "with": {"truncated": "incorrect"}}
    run_pipeline(pipeline, tmp_path)
    with pytest.raises(sparq.PipelineError, match=r'plugins\.sympy\.with\.truncated: "incorrect" → "unknown"'):
        run_pipeline(sums(steps=2), tmp_path, resume=True)
