"""A slice of `make study`: real models of the miniature, generated once, trained and benchmarked two ways."""

import json
from pathlib import Path

import pytest
import yaml
from runs import sparq_command

from sparq_core.ledger.reader import Reader

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_two_filters_of_one_pool_are_trained_and_compared(tmp_path: Path) -> None:
    study = {
        "name": "slice",
        "base": str(ROOT / "examples" / "miniature.yaml"),
        "seeds": 1,
        "set": {
            "steps": 2,
            "batch": 24,
            "train.seeds": False,
            "models.student.model": "sparq-0.3m",
            "plugins.curate-band": {"use": "curate"},
        },
        "arms": {by: {"plugins.curate.with.by": by, "plugins.curate.with.budget": 8} for by in ("random", "qd")},
        "against": ["random", "base"],
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    sparq_command("study", str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out"))
    found = json.loads((tmp_path / "out" / "results.json").read_text())
    (pool,) = (tmp_path / "out" / "pools").iterdir()
    with Reader.open(pool) as ledger:
        assert found["drawn"]["attempts"] == ledger.tally().attempts > 0
    assert len(found["means"]) == 2 * 2 * 2, "two arms, two tasks, before and after"
    assert len(found["differences"]) == (1 + 2) * 2
    assert all(mean["items"] == 300 for mean in found["means"])
    assert (tmp_path / "out" / "in_distribution.svg").read_text().startswith("<?xml")
