"""open-instruct's RLVR: messages, the reference, and which of its own verifiers reads it."""

from sparq_core.publish.trainers.columns import ABOUT, ANSWER, PROMPT, constant
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

FORMAT = Format(
    "open-instruct",
    problems,
    (
        PROMPT._replace(name="messages"),
        ANSWER._replace(name="ground_truth"),
        constant("dataset", "math", "its verifier"),
        *ABOUT,
    ),
    "problems",
    "--dataset_mixer_list {folder}/train.jsonl 1.0 --dataset_mixer_list_splits train",
    rewarded=True,
    carries_extra=False,
)
