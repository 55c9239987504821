"""What every side is asked for, and how it is told: `python SIDE.py BASE_URL PROBLEMS N CONCURRENCY`."""

import json
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

K = 16
MODEL = "table"


class Task(NamedTuple):
    """K attempts at each problem, `n` in a request."""

    base_url: str
    problems: int
    n: int
    concurrency: int


Counted = tuple[int, int]
"""Rows graded, and those that are right."""


def prompt(problem: int) -> str:
    return f"Problem {problem}: what is {problem} + 1? Please reason step by step."


def is_right(text: str, problem: int) -> bool:
    """Compares what follows the last mark."""
    return text.rpartition("#### ")[2] == answer(problem)


def answer(problem: int) -> str:
    return str(problem + 1)


def report(work: Callable[[Task], Counted]) -> None:
    """Run one side as the command line says; its imports are made before, and are not counted."""
    base_url, *numbers = sys.argv[1:5]
    task = Task(base_url, *map(int, numbers))
    began = time.perf_counter(), time.process_time()
    rows, right = work(task)
    seconds, processor = time.perf_counter() - began[0], time.process_time() - began[1]
    print(json.dumps({"seconds": seconds, "CPU": processor, "rows": rows, "right": right}))
