"""One reward a process for functions that trainers import by their dotted path."""

import atexit
import os
import threading

from sparq_core.contract.errors import PipelineError
from sparq_core.reward.grader import Reward

VARIABLE = "SPARQ_REWARD"
"""The environment variable that names the run folder or the pipeline file."""
_rewards: dict[str, Reward] = {}
_lock = threading.Lock()


def shared(run: str | None = None) -> Reward:
    """
    The reward of a run folder or pipeline file, by default of the one that `SPARQ_REWARD` names; made once a process.

    PipelineError where neither says which.
    """
    source = run or os.environ.get(VARIABLE)
    if not source:
        raise PipelineError(f"no run for the reward: set {VARIABLE} to a run folder or a pipeline file")
    with _lock:
        if source not in _rewards:
            _rewards[source] = Reward(source)
            atexit.register(_rewards[source].close)
        return _rewards[source]
