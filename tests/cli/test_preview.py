"""What a preview says a run will take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import priced

from sparq_core.cli import preview
from sparq_core.loop import trial
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline


def test_the_estimate_of_a_preview_is_near_the_run(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(models=priced(input=1.0, output=2.0), steps=40)
    tally = run_pipeline(pipeline, tmp_path).ending.tally
    loaded = prepare.load(tmp_path / "pipeline.yaml")
    with trial.trial(loaded, lambda _: None).ledger as ledger:
        whole = preview.estimate(ledger, loaded.run.pipeline, 40)
        told = preview.estimated(ledger, loaded.run.pipeline, 40)
    assert whole.tokens == pytest.approx(tally.tokens, rel=0.3)
    assert whole.prompt_tokens == pytest.approx(tally.prompt_tokens, rel=0.3)
    assert whole.cost == pytest.approx(tally.cost, rel=0.3)
    assert "Estimate for 40 steps of 6 parents" in told
