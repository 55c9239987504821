"""
The reward as verifiers calls it: `vf.Rubric(funcs=[correct, unknown], weights=[1.0, 0.0])`.

A rubric logs what a function raises and takes it for 0.0; the metric `unknown` beside it tells how often that was so.
"""

from collections.abc import Mapping
from typing import Any

from sparq_core.contract.records import Trial
from sparq_core.reward.rows import number_of, trial_of
from sparq_core.reward.shared import shared


async def correct(completion: Any, answer: Any = None, prompt: Any = "", info: Any = None) -> float:
    """Whether a completion is correct, 1.0 or 0.0; UnknownRewardError where it cannot be judged."""
    (verdict,) = await shared().agrade([_trial(completion, answer, prompt, info)])
    return number_of(verdict, None)


async def unknown(completion: Any, answer: Any = None, prompt: Any = "", info: Any = None) -> float:
    """Whether a completion cannot be judged, 1.0 or 0.0: a metric, of weight 0."""
    (verdict,) = await shared().agrade([_trial(completion, answer, prompt, info)])
    return float(verdict.value == "unknown")


def _trial(completion: Any, answer: Any, prompt: Any, info: Any) -> Trial:
    told = info if isinstance(info, Mapping) else {}
    return trial_of(completion, problem=told.get("problem") or prompt, answer=answer, extra=told.get("extra"))
