"""TRL's KTO: single attempts, each right or wrong."""

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, PROMPT
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.row import answer
from sparq_core.publish.trainers.sources import labelled

FORMAT = Format(
    "trl-kto",
    labelled,
    (
        PROMPT,
        Column("completion", "chat", "an attempt", lambda row: answer(row.right or row.wrong)),
        Column("label", "boolean", "whether it is right", lambda row: row.right is not None),
        *ABOUT,
    ),
    "attempts",
    "trl kto --dataset_name {folder}",
)
