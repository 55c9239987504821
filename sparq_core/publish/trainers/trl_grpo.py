"""TRL's GRPO and RLOO: prompts, with columns that reach the reward function; its own reads `solution`."""

from sparq_core.publish.trainers.columns import ABOUT, ANSWER, EXTRA, PROBLEM, PROMPT, SOLUTION
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

FORMAT = Format(
    "trl-grpo",
    problems,
    (PROMPT, SOLUTION, ANSWER, PROBLEM, EXTRA, *ABOUT),
    "problems",
    "SPARQ_REWARD={run} trl grpo --dataset_name {folder} --reward_funcs sparq_core.reward.trl.sparq_reward",
    rewarded=True,
)
