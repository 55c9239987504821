"""What a sampler would not heed it is not asked for, whoever asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline

PROPOSER = """
import sparq_core as sparq


class Proposer:
    @sparq.hookimpl
    def propose(self, parents, llm):
        llm("generator").complete(["x" for _ in parents], sparq.Sampling(dropout=0.2))
        return []
"""


def test_a_plugin_that_asks_for_it_by_itself_is_told_too(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "proposer.py").write_text(PROPOSER)
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "./proposer.py:Proposer"})
    with pytest.raises(
        sparq.PipelineError, match=r"what 'models\.student' serves cannot go without tokens; omit dropout"
    ):
        run_pipeline(pipeline, tmp_path)
