"""
The reward as TRL calls it: `reward_funcs=[sparq_reward]`, or `sparq_core.reward.trl.sparq_reward` by its dotted path.

Unknown is None, which TRL leaves out of the group, unless the environment variable `SPARQ_UNKNOWN` says what it counts.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import Finish
from sparq_core.reward.grader import Reward
from sparq_core.reward.rows import reference_of, trial_of, value_of
from sparq_core.reward.shared import shared, unknown

Rewards = Callable[..., list[float | None]]
READ = ("problem", "answer", "solution", "extra")
"""The columns that are looked at."""
UNJUDGED = {"no-reference", "unverified"}
"""Why no verifier judges what it is given too little for."""


def sparq_reward(completions: Sequence[Any], **given: Any) -> list[float | None]:
    """
    A reward for each completion: 1.0, 0.0, or where it is unknown None, or what `SPARQ_UNKNOWN` says.

    The run is the one that `SPARQ_REWARD` names.

    Of the dataset's columns it reads `answer`, or else `solution`, and `problem`, or else the prompt, and `extra`. TRL's log
    gets each verdict with its reason, and the share of unknown ones. SparqError where the verifiers need references and the
    dataset has no such column.
    """
    return _rewards(shared(), completions, **given)


def reward_of(reward: Reward, finish: Callable[[Sequence[int]], Finish] | None = None) -> Rewards:
    """
    The same function for a reward of yours.

    `finish` says from the tokens of a completion how it ended; without it all count as ended by themselves, since TRL does not
    tell which of them were cut.
    """

    def sparq_reward(completions: Sequence[Any], **given: Any) -> list[float | None]:
        return _rewards(reward, completions, finish=finish, **given)

    return sparq_reward


def _rewards(
    reward: Reward,
    completions: Sequence[Any],
    prompts: Sequence[Any] = (),
    log_extra: Callable[[str, list[Any]], None] | None = None,
    log_metric: Callable[[str, float], None] | None = None,
    completion_ids: Sequence[Sequence[int]] = (),
    finish: Callable[[Sequence[int]], Finish] | None = None,
    **columns: Any,
) -> list[float | None]:
    read: dict[str, Any] = {name: columns[name] for name in READ if name in columns}
    for name, column in read.items():
        if len(column) != len(completions):
            raise SparqError(f"sparq_reward: `{name}` has {len(column)} values for {len(completions)} completions")
    trials = []
    for i, completion in enumerate(completions):
        row = {name: column[i] for name, column in read.items()}
        problem = row.get("problem") or (prompts[i] if prompts else "")
        ended = finish(completion_ids[i]) if finish else "stop"
        trials.append(
            trial_of(completion, problem=problem, answer=reference_of(row), extra=row.get("extra"), finish=ended)
        )
    verdicts = reward.grade(trials)
    if not read.keys() - {"problem"} and verdicts and all(verdict.reason in UNJUDGED for verdict in verdicts):
        there = ", ".join(columns) or "none"
        raise SparqError(
            f"sparq_reward: there is no column `answer` or `solution` with references (columns: {there}); rename yours"
        )
    if log_extra:
        log_extra("verdict", [f"{verdict.value}: {verdict.reason}" for verdict in verdicts])
    if log_metric and verdicts:
        log_metric("sparq/unknown", sum(verdict.value == "unknown" for verdict in verdicts) / len(verdicts))
    counts = unknown()
    return [counts if verdict.value == "unknown" else value_of(verdict) for verdict in verdicts]
