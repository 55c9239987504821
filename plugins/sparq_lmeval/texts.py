"""The process that reads what the tasks ask: a job as JSON from its standard input, task and text as JSON lines into a file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_lmeval.tasks import manager_of, tasks_of


def main(job: dict[str, Any]) -> None:
    """Write all texts of the documents that the tasks are scored on."""
    manager = manager_of(job["config"])
    with Path(job["out"]).open("w", encoding="utf-8") as file:
        for name in job["config"]["tasks"]:
            file.writelines(json.dumps(row) + "\n" for row in _rows(name, manager))


def _rows(name: str, manager: Any) -> Iterator[tuple[str, str]]:
    try:
        for task, found in tasks_of(name, manager).items():
            for doc in found.eval_docs:
                yield from ((task, text) for text in sparq.strings_in(doc))
    except Exception as error:
        raise SystemExit(
            f"the documents of task '{name}' cannot be read, {type(error).__name__}: {error}\nIf they are on a hub that is "
            "out of reach, fetch them beforehand"
        ) from error


if __name__ == "__main__":
    sparq.serve(main)
