"""Reinforcement learning on problems, in the order that the plugin has given them."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from sparq_core.reward import Reward
from sparq_core.reward.trl import reward_of
from sparq_trl.arguments import checked, common
from sparq_trl.history import History, summed_up

Rewards = Callable[..., list[float | None]]


def trainer(job: dict[str, Any], **tools: Any) -> Any:
    """The trainer of a job; `tools` are the model, its tokenizer and its adapters."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    with open(job["dataset"], encoding="utf-8") as file:  # noqa: PTH123 -- a path from JSON
        problems = [json.loads(line) for line in file]
    config, sampling = job["config"], job["sampling"]
    arguments = GRPOConfig(
        **common(job) | {"logging_steps": 1},
        max_steps=config["steps"],
        num_generations=config["group_size"],
        max_completion_length=sampling["max_tokens"],
        temperature=sampling["temperature"],
        top_p=sampling["top_p"],
        beta=config["beta"],
        shuffle_dataset=False,
    )
    finish = _finish(sampling["max_tokens"], _ends(tools["model"], tools["processing_class"]))
    rewards = reward_of(Reward(job["run"]), finish)
    return GRPOTrainer(
        args=checked(arguments, job),
        reward_funcs=with_variance(rewards, config["group_size"]),
        train_dataset=Dataset.from_list([problems[place] for step in job["order"] for place in step]),
        **tools,
    )


def _ends(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end a completion, as the trainer has them."""
    ends = model.generation_config.eos_token_id
    return {*(ends if isinstance(ends, list) else [ends]), tokenizer.eos_token_id}


def _finish(most: int, ends: set[int]) -> Callable[[Sequence[int]], Literal["stop", "length"]]:
    """How a completion ended, by its tokens."""

    def finish(tokens: Sequence[int]) -> Literal["stop", "length"]:
        return "length" if len(tokens) >= most and tokens[-1] not in ends else "stop"

    return finish


def with_variance(rewards: Rewards, group: int) -> Rewards:
    """The same rewards; the trainer's log also has the share of groups that teach nothing, as all their rewards are alike."""

    def sparq_reward(completions: Sequence[Any], log_metric: Callable[[str, float], None], **given: Any) -> Any:
        found = rewards(completions, log_metric=log_metric, **given)
        groups = [set(found[start : start + group]) - {None} for start in range(0, len(found), group)]
        log_metric("zero_variance", sum(len(values) < 2 for values in groups) / len(groups))
        return found

    return sparq_reward


def metrics(history: History) -> dict[str, float]:
    """The loss, the mean reward, the divergence where it is held; the shares of groups and completions that teach nothing."""
    shares = {"zero_variance": "zero_variance", "sparq/unknown": "unknown"}
    ends = summed_up(history, {"reward": "reward", "kl": "kl"})
    return ends | summed_up(history, {**shares, "loss": "loss"}, ends=False)


def batch(config: dict[str, Any]) -> str:
    """What an optimizer step is made of, for the log."""
    return f"{config['batch_size']} problems, {config['group_size']} completions each"
