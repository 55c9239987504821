"""Inspect: a task file with its samples; the task is scored by the run's own verifiers."""

from collections.abc import Mapping

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, ANSWER, EXTRA, ID, PROBLEM, PROMPT, SOLUTION, struct
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

TASK = '''\
"""Problems with checkable answers, as a task of Inspect: `inspect eval task.py --model …`. Written by `sparq export`."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.solver import generate

from sparq_core.reward.inspect import sparq_scorer


@task
def {name}(split: str = "train") -> Task:
    """The environment variable SPARQ_REWARD names the run, whose verifiers score."""
    samples = json_dataset(str(Path(__file__).with_name(f"{{split}}.jsonl")))
    return Task(dataset=samples, solver=generate(), scorer=sparq_scorer())
'''


def _code(name: str) -> Mapping[str, str]:
    return {"task.py": TASK.format(name=name)}


FORMAT = Format(
    "inspect",
    problems,
    (
        PROMPT._replace(name="input"),
        Column("target", "text", "the reference answer; empty without one", lambda row: ANSWER.fill(row) or ""),
        ID,
        struct("metadata", "what the scorer is given", PROBLEM, ANSWER, EXTRA, SOLUTION, *ABOUT[1:]),
    ),
    "problems",
    "cd {folder} && SPARQ_REWARD={run} inspect eval task.py --model …",
    rewarded=True,
    code=_code,
)
