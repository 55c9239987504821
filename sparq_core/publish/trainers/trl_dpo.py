"""TRL's DPO: a right and a wrong attempt at the same prompt."""

from sparq_core.publish.trainers.columns import ABOUT, CHOSEN, PROMPT, REJECTED
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import pairs

FORMAT = Format(
    "trl-dpo",
    pairs,
    (PROMPT, CHOSEN, REJECTED, *ABOUT),
    "pairs of attempts",
    "trl dpo --dataset_name {folder}",
)
