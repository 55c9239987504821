"""Reads an export by verl, in an environment of verl's: `read_verl.py FILE MODEL`. What it found is printed as JSON."""

import asyncio
import json
import sys
from typing import Any

import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl import DataProto
from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo.reward import get_custom_reward_fn
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

REWARD = {"path": "pkg://sparq_core.reward.verl", "name": "compute_score", "reward_kwargs": {"unknown": -0.5}}
SAID = ("\\boxed{{{}}}", "\\boxed{{-1}}", "\\boxed{{{}}} or \\boxed{{-1}}")


async def rewards(rows: list[Any], tokenizer: Any) -> list[dict[str, Any]]:
    """What verl's reward manager makes of a right, a wrong and a hedged answer to a row each."""
    config = OmegaConf.create({"reward": {"custom_reward_function": REWARD}})
    manager = NaiveRewardManager(config, tokenizer, get_custom_reward_fn(config))
    found = []
    for row, said in zip(rows, SAID, strict=True):
        batch = collate_fn([row])
        tokens = tokenizer(
            said.format(row["reward_model"]["ground_truth"]), return_tensors="pt", add_special_tokens=False
        )
        asked = {"responses": tokens["input_ids"], "attention_mask": torch.ones_like(tokens["input_ids"])}
        given = {name: batch[name] for name in ("data_source", "reward_model", "extra_info")}
        found.append(await manager.run_single(DataProto.from_single_dict({**asked, **given})))
    return found


def main(file: str, model: str) -> None:
    """Load the file as verl does before it trains, and judge answers to its first rows."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    options = OmegaConf.create({"max_prompt_length": 512, "filter_overlong_prompts_workers": 1})
    rows = RLHFDataset(file, tokenizer, options)
    found = asyncio.run(rewards([rows[i] for i in range(len(SAID))], tokenizer))
    scores = [[one["reward_score"], one["reward_extra_info"]["unknown"]] for one in found]
    print("FOUND", json.dumps({"rows": len(rows), "raw_prompt": rows[0]["raw_prompt"], "rewards": scores}))  # noqa: T201 -- what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
