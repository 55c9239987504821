"""verifiers: a package that offers one taskset, whose reward is that of the run's own verifiers."""

from collections.abc import Mapping

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.columns import ABOUT, ANSWER, EXTRA, LABELS, PROBLEM, SOLUTION
from sparq_core.publish.trainers.format import Format
from sparq_core.publish.trainers.sources import problems

PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{project}"
version = "0.1.0"
description = "Problems with checkable answers, as a taskset of verifiers. Written by `sparq export`."
requires-python = ">=3.11"
dependencies = ["verifiers>=0.4", "sparq-engine"]

[tool.hatch.build.targets.wheel]
packages = ["{name}"]
"""
TASKSET = '''\
"""Problems with checkable answers, as a taskset of verifiers. Written by `sparq export`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import verifiers.v1 as vf

from sparq_core.reward import verifiers as reward

__all__ = ["Problems"]


class Data(vf.TaskData):
    """A problem, with how often the run's own model solved it."""

    answer: str | None
    problem: str
    extra: str
    solution: str
    solve_rate: float | None
    solve_rate_low: float | None
    solve_rate_high: float | None
    num_correct: int
    num_attempts: int
    num_unknown: int
    labels: list[str]


class Problem(vf.Task[Data]):
    """The environment variable SPARQ_REWARD names the run, whose verifiers judge."""

    @property
    def key(self) -> str:
        return self.data.id

    @vf.reward(weight=1.0)
    async def correct(self, trace: vf.Trace) -> float:
        return await reward.correct(trace.last_reply, self.data.answer, info=self._info)

    @vf.metric
    async def unknown(self, trace: vf.Trace) -> float:
        return await reward.unknown(trace.last_reply, self.data.answer, info=self._info)

    async def validate(self, runtime: vf.Runtime) -> bool:
        return await reward.correct(self.data.solution, self.data.answer, info=self._info) == 1.0

    @property
    def _info(self) -> dict[str, str]:
        return {"problem": self.data.problem, "extra": self.data.extra}


class Config(vf.TasksetConfig):
    """Which file of problems."""

    split: Literal["train", "test"] = "train"


class Problems(vf.Taskset[Problem, Config]):
    """All problems of a file."""

    def load(self) -> Iterator[Problem]:
        lines = Path(__file__).with_name(f"{self.config.split}.jsonl").read_text(encoding="utf-8")
        for line in filter(None, lines.split("\\n")):
            yield Problem(Data(**json.loads(line)), self.config.task)
'''


def _system(prompt: list[dict[str, str]]) -> str | None:
    first, *_ = prompt
    return first["content"] if first["role"] == "system" else None


def _code(name: str) -> Mapping[str, str]:
    project = "-".join(filter(None, name.split("_")))
    return {"pyproject.toml": PROJECT.format(name=name, project=project), f"{name}/__init__.py": TASKSET}


FORMAT = Format(
    "verifiers",
    problems,
    (
        Column("prompt", "text", "what the model is asked", lambda row: row.asked.prompt),
        Column("system_prompt", "text", "the system message", lambda row: _system(row.prompt)),
        ANSWER,
        PROBLEM,
        EXTRA,
        SOLUTION,
        *(column for column in ABOUT if column is not LABELS),
        LABELS._replace(name="labels"),
    ),
    "problems",
    "pip install -e {folder}, then SPARQ_REWARD={run} vf-validate {name} --runtime.type subprocess",
    rewarded=True,
    code=_code,
    folder="{}/".format,
)
