"""The quickstart's seeds train its model for real, and that model attempts."""

from pathlib import Path

import pytest
import yaml
from runs import Interrupter

from sparq_core.ledger.reader import Reader
from sparq_core.loop import session
from sparq_core.pipeline import prepare

SEEDS = Path(__file__).parents[3] / "examples" / "quickstart" / "seeds.jsonl"
PIPELINE = {
    "name": "student",
    "steps": 2,
    "batch": 2,
    "in_flight": 1,
    "models": {"student": {"use": "hf", "model": "sparq-tiny"}},
    "attempts": {"k": 2, "max_tokens": 32},
    "train": {"seeds": True},
    "plugins": [
        {"use": "jsonl-seeds", "with": {"path": str(SEEDS)}},
        {"use": "static-uniform"},
        {"use": "mutate", "with": {"max_tokens": 96}},
        {"use": "sympy"},
        {"use": "curate-band"},
        {
            "use": "sft",
            "with": {"seed_epochs": 1, "max_steps": 1, "batch_size": 10, "threads": 1, "learning_rate": 3e-4},
        },
    ],
}


@pytest.mark.timeout(180)
def test_the_quickstarts_seeds_make_the_student_that_attempts(tmp_path: Path) -> None:
    path, interrupter = tmp_path / "pipeline.yaml", Interrupter(after=2)
    path.write_text(yaml.safe_dump(PIPELINE))
    session.execute(prepare.load(path), tmp_path / "run", False, [interrupter], interrupter.asked)
    with Reader.open(tmp_path / "run") as ledger:
        trained = ledger.phase(0, "train", ledger.steps_of(0))
        served = "SELECT DISTINCT digest FROM attempt JOIN model ON model.id = attempt.model"
        digests = [digest for (digest,) in ledger.query(served)]
    assert trained
    assert "; loss " in trained.detail
    assert digests == [trained.digest]
    count = len(SEEDS.read_text().splitlines())
    log = (tmp_path / "run" / "logs" / "train-round-0.log").read_text()
    assert f"\n{count // 10} optimizer steps of 10 examples" in log
