"""What the processes of lm-eval share: the tasks that a job names, and the metric that is recorded of each."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sparq_lmeval.files import homes

PREFERRED = "math_verify"
"""Recorded of a task that has it: `exact_match` beside it compares texts, by which a right `\\boxed{24}` can be wrong."""

FLEXIBLE = "flexible-extract"
"""The filter taken of a task that has it: `strict-match` beside it misses a right answer in other words than the examples'."""
Asked = str | Mapping[str, str] | None
"""A name for all tasks, or a name for each."""


class UnknownNameError(Exception):
    """A task has no metric or filter of the name that was asked for."""


def manager_of(config: Mapping[str, Any]) -> Any:
    """
    What finds the tasks.

    The index of all stock tasks takes seconds: where each name is one task, the folders of their files are enough.
    """
    from lm_eval.tasks import TaskManager

    names, include = config["tasks"], config["include"]
    found = homes(names, include)
    if found.keys() < set(names):
        return TaskManager(include_path=include)
    return TaskManager(include_path=list(dict.fromkeys(found.values())), include_defaults=False)


def tasks_of(name: str, manager: Any) -> dict[str, Any]:
    """The tasks that a name stands for, by their own: one, or those of a group or a tag."""
    return dict(_leaves(manager.load_task_or_group([name])))


def _leaves(tasks: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, task in tasks.items():
        yield from _leaves(task) if isinstance(task, dict) else [(str(name), task)]


def metric_of(task: str, has: Collection[str], asked: Asked) -> str:
    """The metric of a task's own that is recorded; UnknownNameError where it has not what is asked."""
    return _named("metric", task, has, asked, PREFERRED)


def filter_of(task: str, has: Collection[str], asked: Asked) -> str:
    """The filter by which it is; UnknownNameError where the task has not what is asked."""
    return _named("filter", task, has, asked, FLEXIBLE)


def filters_of(task: Any) -> list[str]:
    """The names of a loaded task's filters; lm-eval calls it `none` where there is none."""
    return [ensemble.name for ensemble in getattr(task, "_filters", ())] or ["none"]


def _named(what: str, task: str, has: Collection[str], asked: Asked, preferred: str) -> str:
    name = asked.get(task) if isinstance(asked, Mapping) else asked
    if name is None:
        return preferred if preferred in has else next(iter(has))
    if name not in has:
        raise UnknownNameError(f"task '{task}' has no {what} '{name}', only {', '.join(has)}")
    return name
