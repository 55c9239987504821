"""The process that tries to load the tasks: a job as JSON from its standard input, what is wrong as JSON into a file."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path
from re import match
from threading import Timer
from typing import Any

import sparq_core as sparq
from sparq_lmeval.files import unknown
from sparq_lmeval.tasks import Asked, UnknownNameError, filter_of, filters_of, manager_of, metric_of, tasks_of

LIMIT = 60.0
"""Seconds that loading may take."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
SHOWN = 300
"""Characters of a reason that are shown."""
Found = tuple[str, str, str]
"""Level, place and message of a finding."""


def main(job: dict[str, Any]) -> None:
    """Write what is wrong with the tasks; no hub is asked for their documents."""
    os.environ |= OFFLINE
    found: list[Found] = []
    out = Path(job["out"])

    def give_up() -> None:
        message = f"the tasks could not all be tried: loading them takes more than {LIMIT:.0f} seconds"
        out.write_text(json.dumps([*found, ("warning", "with.tasks", message)]), encoding="utf-8")
        os._exit(0)

    timer = Timer(LIMIT, give_up)
    timer.daemon = True
    timer.start()
    found.extend(_tried(job["config"]))
    timer.cancel()
    out.write_text(json.dumps(found), encoding="utf-8")


def _tried(config: dict[str, Any]) -> Iterator[Found]:
    manager = manager_of(config)
    tasks: dict[str, Any] = {}
    untried = False
    for name in config["tasks"]:
        if name not in manager.all_tasks:
            yield "error", "with.tasks", unknown(name, config["include"])
            continue
        try:
            tasks |= tasks_of(name, manager)
        except ConnectionError:
            untried = True
            yield "warning", "with.tasks", _not_here(name)
        except Exception as error:  # noqa: BLE001 -- a task's own code
            yield "error", "with.tasks", f"'{name}' cannot be loaded, {_reason(error)}"
    own = {task: (list(loaded.aggregation()), filters_of(loaded)) for task, loaded in tasks.items()}
    for setting, choose, at in (("metric", metric_of, 0), ("filter", filter_of, 1)):
        names = {task: found[at] for task, found in own.items()}
        yield from _chosen(setting, choose, names, config[setting], all_known=not untried)


def _chosen(
    setting: str,
    choose: Callable[[str, list[str], Asked], str],
    own: dict[str, list[str]],
    asked: Asked,
    *,
    all_known: bool,
) -> Iterator[Found]:
    """What tasks do not have of the metrics or filters asked for, by the names they have."""
    for task, names in own.items():
        try:
            choose(task, names, asked)
        except UnknownNameError as error:
            yield "error", f"with.{setting}", str(error)
    for task in asked if isinstance(asked, Mapping) and all_known else ():
        if task not in own:
            yield "error", f"with.{setting}", f"no task is named '{task}'; {sparq.nearest(task, own)}"


def _not_here(name: str) -> str:
    return (
        f"the documents of '{name}' are not on this machine, and no hub is asked before the run: the benchmark will fetch "
        "them; where it cannot, fetch them beforehand"
    )


def _reason(error: Exception) -> str:
    """What went wrong, in one line, and what to do about it where that is known."""
    text = " ".join(str(error).split())[:SHOWN]
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs the package '{error.name}': pip install '{installs(error.name)}'"
    if isinstance(error, FileNotFoundError):
        text += "; its data files are relative to `include`"
    return f"{type(error).__name__}: {text}"


def installs(module: str) -> str:
    """The extra of lm-eval that brings a module in, or the package of its name."""
    for requirement in requires("lm_eval") or ():
        if extra := match(rf"{module}\b.*extra == \"(.+)\"", requirement):
            return f"lm-eval[{extra[1]}]"
    return module


if __name__ == "__main__":
    sparq.serve(main)
