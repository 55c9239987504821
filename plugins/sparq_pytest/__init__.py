"""
Fixtures for the tests of plugins, which pytest finds by itself where the engine is installed.

Nothing of the engine is imported until a test asks for one of them: this module is part of every run of pytest where the
engine is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sparq_core.testing import Ran


__all__ = ["sparq_run", "sparq_sums"]


@pytest.fixture
def sparq_sums(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """
    A small pipeline of sums that runs without a model, around plugins to be tried: `sparq_sums("my-plugin", steps=3)`.

    Each plugin is an entry of `plugins:`, or its `use` alone; keyword arguments replace top-level settings.
    """
    from sparq_core.testing import sums

    def make(*plugins: Mapping[str, Any] | str, **settings: Any) -> dict[str, Any]:
        return sums(tmp_path, *plugins, **settings)

    return make


@pytest.fixture
def sparq_run(tmp_path: Path) -> Callable[..., Ran]:
    """Runs a pipeline, given as a mapping, in the test's own folder: `sparq_run(pipeline).read()` is its ledger."""
    from sparq_core.testing import run_pipeline

    def run(pipeline: Mapping[str, Any], **options: bool) -> Ran:
        return run_pipeline(pipeline, tmp_path, **options)

    return run
