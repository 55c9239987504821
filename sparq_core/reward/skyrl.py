"""
The reward as SkyRL calls it: an environment, which `register()` makes known as `sparq`.

SkyRL knows no unknown reward, so that one raises, unless the environment variable `SPARQ_UNKNOWN` says what it counts.
"""

from collections.abc import Mapping
from typing import Any

import skyrl_gym
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

from sparq_core.reward.rows import number_of, trial_of
from sparq_core.reward.shared import shared, unknown

ENVIRONMENT = "sparq"


class SparqEnv(BaseTextEnv):  # type: ignore[misc]  # skyrl-gym has no types
    """
    One problem, answered in one turn. The run is the one that `SPARQ_REWARD` names.

    `extras` are the columns of a row that `sparq export --for skyrl` wrote. UnknownRewardError where an answer cannot be judged
    and `SPARQ_UNKNOWN` is not set.
    """

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002 -- SkyRL's signature
        super().__init__()
        self._row = extras or {}
        self._unknown = 0.0

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """The reward of an answer: 1.0 or 0.0, with the verdict's reason."""
        info = self._row.get("extra_info") or {}
        answer = self._row["reward_spec"]["ground_truth"]
        trial = trial_of(action, problem=info.get("problem", ""), answer=answer, extra=info.get("extra"))
        (verdict,) = shared().grade([trial])
        self._unknown = float(verdict.value == "unknown")
        reward, told = number_of(verdict, unknown()), {"verdict": verdict.value, "reason": verdict.reason}
        return BaseTextEnvStepOutput(observations=[], reward=reward, done=True, metadata=told)

    def get_metrics(self) -> dict[str, float]:
        """The share of answers that cannot be judged."""
        return {"unknown": self._unknown}


def register() -> None:
    """Make the environment known to SkyRL; call it in your entry point."""
    skyrl_gym.register(id=ENVIRONMENT, entry_point=f"{__name__}:{SparqEnv.__name__}")
