"""
The reward as OpenRLHF calls it: `--remote_rm_url` is the path of this file.

OpenRLHF knows no unknown reward, so that one raises, unless the environment variable `SPARQ_UNKNOWN` says what it counts.
"""

import sys
from collections.abc import Sequence
from typing import Any

from sparq_core.reward.rows import number_of, trial_of
from sparq_core.reward.shared import shared, unknown


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """
    The `rewards` of queries, each a prompt with its response, as a tensor; `scores` for dynamic filtering are the same.

    The run is the one that `SPARQ_REWARD` names, a label is a reference answer. UnknownRewardError where a response cannot be
    judged and `SPARQ_UNKNOWN` is not set.
    """
    responses = [query.removeprefix(prompt) for query, prompt in zip(queries, prompts, strict=True)]
    trials = [
        trial_of(response, problem=prompt, answer=label)
        for response, prompt, label in zip(responses, prompts, labels, strict=True)
    ]
    verdicts = shared().grade(trials)
    rewards = [number_of(verdict, unknown()) for verdict in verdicts]
    tensor = sys.modules["torch"].tensor  # OpenRLHF has loaded it; this module must do without
    unjudged = tensor([float(verdict.value == "unknown") for verdict in verdicts])
    return {"rewards": tensor(rewards), "scores": tensor(rewards), "extra_logs": {"unknown": unjudged}}
