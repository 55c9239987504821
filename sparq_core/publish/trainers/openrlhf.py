"""OpenRLHF: prompts with labels."""

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, ANSWER, PROMPT
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

FORMAT = Format(
    "openrlhf",
    problems,
    (
        PROMPT._replace(name="input"),
        ANSWER._replace(name="label"),
        Column("datasource", "text", "the run; rewards are reported by it", lambda row: f"sparq/{row.run}"),
        *ABOUT,
    ),
    "problems",
    "SPARQ_REWARD={run}, --data.prompt_dataset {folder}/train.jsonl --data.input_key input --data.label_key label "
    "--data.apply_chat_template, and as --reward.remote_url the path of sparq_core/reward/openrlhf.py",
    rewarded=True,
    carries_extra=False,
)
