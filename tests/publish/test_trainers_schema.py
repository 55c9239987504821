"""
Exports for trainers that cannot be installed beside ours, held against what they read.

The schemas were read from open-instruct at 00440da (`rlvr_tokenize_v3`), OpenRLHF at 04655bc (`PromptDataset`), and NeMo-RL at
23d0baf (`ResponseDataset`, with `math_hf_data_processor`).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from runs import rows

from sparq_core.publish.trainers.export import Exported

pytest_plugins = ["exporting"]
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
TURN: dict[str, Any] = {
    "type": "object",
    "properties": {"role": {"enum": ["system", "user"]}, "content": TEXT},
    "required": ["role", "content"],
    "additionalProperties": False,
}
PROMPT: dict[str, Any] = {"type": "array", "items": TURN, "minItems": 1}
SCHEMAS: dict[str, dict[str, Any]] = {
    "open-instruct": {"messages": PROMPT, "ground_truth": TEXT, "dataset": {"const": "math"}},
    "openrlhf": {"input": PROMPT, "label": TEXT, "datasource": TEXT},
    "nemo-rl": {"input": TEXT, "output": TEXT},
}
MEASURED: dict[str, Any] = {
    "solve_rate": {"type": "number", "minimum": 0, "maximum": 1},
    "num_correct": {"type": "integer"},
    "num_attempts": {"type": "integer", "minimum": 1},
}
TAKEN = {"nemo-rl": {"messages", "task_name"}, "open-instruct": {"input_ids_prompt", "labels", "attention_mask"}}
"""Columns of which these trainers make their own, which must not be there."""


@pytest.mark.parametrize("trainer", SCHEMAS)
def test_its_rows_are_what_the_trainer_reads(
    run_folder: Path, export: Callable[..., Exported], tmp_path: Path, trainer: str
) -> None:
    done = export(run_folder, trainer, tmp_path / "out")
    schema = {"type": "object", "properties": SCHEMAS[trainer] | MEASURED, "required": [*SCHEMAS[trainer], *MEASURED]}
    found = rows(tmp_path / "out" / "train.jsonl")
    assert {"train.jsonl": len(found)} == done.rows
    for row in found:
        jsonschema.validate(row, schema)
        assert not row.keys() & TAKEN.get(trainer, set())
