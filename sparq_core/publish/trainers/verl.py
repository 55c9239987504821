"""verl's Parquet, with what SkyRL reads besides: one file for both."""

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, ANSWER, EXTRA, ID, PROBLEM, PROMPT, constant, struct
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

ENVIRONMENT = "sparq"
"""What SkyRL knows our environment by."""
_TRUTH = ANSWER._replace(name="ground_truth")
COLUMNS = (
    Column("data_source", "text", "the run; rewards are reported by it", lambda row: f"sparq/{row.run}"),
    PROMPT,
    constant("ability", "reasoning", "of no consequence"),
    struct("reward_model", "the reference", constant("style", "rule", ""), _TRUTH),
    struct(
        "extra_info",
        "what the reward function is given",
        Column("split", "text", "", lambda row: row.split),
        Column("index", "integer", "", lambda row: row.place),
        ID,
        PROBLEM,
        EXTRA,
    ),
    constant("env_class", ENVIRONMENT, "SkyRL's environment"),
    struct("reward_spec", "the reference, as SkyRL reads it", constant("method", "rule", ""), _TRUTH),
    *ABOUT,
)
FORMAT = Format(
    "verl",
    problems,
    COLUMNS,
    "problems",
    "SPARQ_REWARD={run} python -m verl.trainer.main_ppo data.train_files={folder}/train.parquet "
    "reward.custom_reward_function.path=pkg://sparq_core.reward.verl reward.custom_reward_function.name=compute_score",
    kind="parquet",
    rewarded=True,
)
