"""What the plugin `complexity` counts, and that niches can be cut by it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_complexity import Complexity
from sparq_core.testing import check_plugin, run_pipeline


def described(statement: str, solution: str = "") -> dict[str, Any]:
    problem = sparq.Problem(id="1.1.0", statement=statement, answer="1", solution=solution)
    (found,) = Complexity().describe([sparq.Case(problem, (), sparq.Counts())])
    return found


def test_numbers_digits_words_and_lines_are_counted() -> None:
    found = described("Add 12, 12 and 1,200 to 7.", "12 + 12 = 24\n\n24 + 1200 = 1224\n \nSo 1231.")
    assert found == {"numbers": 3, "digits": 4, "words": 7, "lines": 3}


def test_a_problem_without_numbers_or_solution() -> None:
    assert described("") == {"numbers": 0, "digits": 0, "words": 0, "lines": 0}


def test_it_keeps_the_contract() -> None:
    check_plugin(Complexity())


def test_niches_can_be_cut_by_it(sums: Callable[..., Any], tmp_path: Path) -> None:
    settings = sums(select="map-elites")
    select = next(plugin for plugin in settings["plugins"] if plugin["use"] == "map-elites")
    select["with"] = {"niches": {"skills": {}, "digits": {"bins": 4, "low": 1, "high": 5}}}
    settings["plugins"].append({"use": "complexity"})
    ledger = run_pipeline(settings, tmp_path).read()
    digits = {solved.child.descriptors["digits"] for solved in ledger.solved()}
    assert len(digits) > 1
