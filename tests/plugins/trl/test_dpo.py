"""`dpo` for real, on the embedded model: pairs of attempts that the run has made, and a run that has none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from runs import rows
from safetensors.torch import load_file

import sparq_core as sparq
from sparq_core.testing import Ran
from sparq_tiny import MODEL

WITHIN = 1.5


@pytest.mark.timeout(300)
def test_pairs_of_the_runs_own_attempts_are_trained_on(train: Callable[..., Ran]) -> None:
    ran = train("dpo", batch_size=4, max_steps=2, pairs=2, within=WITHIN, learning_rate=1e-4, threads=1)
    before = load_file(MODEL / "model.safetensors")
    after = load_file(ran.folder / "models" / "round-1" / "model.safetensors")
    assert any((before[name] != after[name].to(before[name].dtype)).any() for name in after)
    pairs = rows(ran.folder / "logs" / "train-round-1.pairs.jsonl")
    (told,) = [e.metrics for e in ran.events if isinstance(e, sparq.PhaseFinished) and e.name == "train"]
    assert told["pairs"] == len(pairs) > 0
    assert told["loss"] > 0
    assert 0 <= told["accuracy"] <= 1
    ledger = ran.read()
    assert f"pairs {len(pairs)}, loss " in str(ledger.phase(1, "train"))
    kept = {solved.child.problem.id for solved in ledger.solved()}
    for pair in pairs:
        judged = {one.attempt.text: one for one in ledger.judged(pair["id"])}
        right, wrong = (judged[pair[side][0]["content"]] for side in ("chosen", "rejected"))
        assert (right.verdict.value, wrong.verdict.value) == ("correct", "incorrect")
        assert max(right.attempt.tokens, wrong.attempt.tokens) <= WITHIN * min(
            right.attempt.tokens, wrong.attempt.tokens
        )
        assert pair["id"] in kept


def test_a_run_without_pairs_says_so_and_trains_nothing(
    train: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparq, "matched_pairs", lambda *_: [])
    with pytest.raises(sparq.NothingToTrainOn, match="round 1: dpo: no problem of the dataset has a right and a wrong"):
        train("dpo")
    assert not list((tmp_path / "run" / "models").iterdir())
