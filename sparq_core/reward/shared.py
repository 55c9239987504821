"""One reward a process for functions that trainers import by their dotted path."""

import atexit
import os
import threading

from sparq_core.contract.errors import PipelineError
from sparq_core.reward.grader import Reward

VARIABLE, UNKNOWN = "SPARQ_REWARD", "SPARQ_UNKNOWN"
"""The environment variables that name the run folder or the pipeline file, and what an unknown reward counts."""
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


def unknown() -> float | None:
    """What an unknown reward counts for a trainer that has no such thing; None where nothing says it."""
    given = os.environ.get(UNKNOWN)
    return float(given) if given else None
