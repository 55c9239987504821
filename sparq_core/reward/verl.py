"""
The reward as verl calls it: `custom_reward_function.path` is this file, `name` is `compute_score`.

verl knows no unknown reward, so that one raises, unless `reward_kwargs.unknown` says what it counts.
"""

from collections.abc import Mapping
from typing import Any

from sparq_core.reward.rows import number_of, trial_of
from sparq_core.reward.shared import shared


def compute_score(
    data_source: str,  # noqa: ARG001 -- verl's signature
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    run: str | None = None,
    unknown: float | None = None,
    **_: Any,
) -> dict[str, float]:
    """
    The `score` of one response, 1.0 or 0.0, with `acc`, the same for validation, and `unknown`, 1.0 where it is that.

    `run` is a run folder or a pipeline file, by default the one that `SPARQ_REWARD` names. `extra_info` may hold the domain's
    data as `extra` and the statement as `problem`. UnknownRewardError where a response cannot be judged and `unknown` is None.
    """
    info = extra_info or {}
    trial = trial_of(solution_str, problem=info.get("problem", ""), answer=ground_truth, extra=info.get("extra"))
    (verdict,) = shared(run).grade([trial])
    score = number_of(verdict, unknown)
    return {"score": score, "acc": float(verdict.value == "correct"), "unknown": float(verdict.value == "unknown")}
