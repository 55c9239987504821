"""The pipeline of a run that has generated and may now train: sums of a scripted model, judged by a verifier of its own."""

from pathlib import Path
from typing import Any

JUDGE = """
import sparq_core as sparq


class Parity:
    "Right is what has an even number of letters; what was cut cannot be judged."

    @sparq.hookimpl
    def verify(self, trials):
        return [self.judged(trial.attempt) for trial in trials]

    def judged(self, attempt):
        if attempt.finish == "length":
            return sparq.Verdict(value="unknown", reason="truncated")
        return sparq.Verdict(value="correct" if len(attempt.text) % 2 == 0 else "incorrect", reason="parity")
"""


def pipeline(folder: Path, *trainer: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The run's pipeline, with a trainer of the embedded model at its end, if one is given."""
    roles = dict.fromkeys(("solver", "generator", "labeller"), "writer")
    return {
        "name": "parity",
        "seed": 1,
        "steps": 2,
        "batch": 8,
        "models": {
            "writer": {"use": "scripted", "model": "sums"},
            "tiny": {"use": "hf", "model": "sparq-tiny"},
        },
        "roles": roles,
        "train": {"model": "tiny", "updates": []},
        "attempts": {"k": 8, "max_tokens": 48, "prompt": "{{ problem.statement }}"},
        "plugins": [
            {"use": "jsonl-seeds", "with": {"path": str(folder / "seeds.jsonl")}},
            {"use": "static-uniform"},
            {"use": "mutate"},
            {"use": str(folder / "judge.py:Parity")},
            {"use": "band", "with": {"correct": [1, 7]}},
            {"use": "curate-band"},
            *trainer,
        ],
        **settings,
    }
