"""
A pipeline's own verifiers as the reward of a trainer.

`Reward` grades completions as `sparq run` would, in worker processes. Beside it stands one file a trainer, each with the
function that the trainer calls: `trl`, `verl`, `skyrl`, `openrlhf`, `verifiers`, `inspect`. Nothing here imports torch or
transformers; `skyrl` and `inspect` alone import the library that they are for.
To be read: `grader`, `process`, `worker`; then `rows` and any of the trainers' files.
"""

from sparq_core.reward.grader import Reward
from sparq_core.reward.rows import UnknownRewardError, trial_of
from sparq_core.reward.shared import shared

__all__ = ["Reward", "UnknownRewardError", "shared", "trial_of"]
