"""TRL's SFT: prompts with completions, of which the loss is taken over the completion."""

from sparq_core.publish.trainers.columns import ABOUT, COMPLETION, PROMPT
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import chosen

FORMAT = Format(
    "trl-sft",
    chosen,
    (PROMPT, COMPLETION, *ABOUT),
    "chosen attempts",
    "trl sft --dataset_name {folder}",
)
