"""NeMo-RL's ResponseDataset: a prompt and the reference; its system prompt is a setting of the trainer."""

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, ANSWER
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

FORMAT = Format(
    "nemo-rl",
    problems,
    (
        Column("input", "text", "what the model is asked", lambda row: row.asked.prompt),
        ANSWER._replace(name="output"),
        *ABOUT,
    ),
    "problems",
    "data.train.data_path={folder}/train.jsonl data.default.dataset_name=ResponseDataset "
    "data.default.processor=math_hf_data_processor",
    rewarded=True,
    carries_extra=False,
    system=False,
)
