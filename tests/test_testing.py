"""What plugin authors test with: a simulated model, a pipeline around a plugin, fixtures."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import Known, Ran, SimulatedSampler

DOMAIN = """
import sparq_core as sparq

class Riddles:
    @sparq.hookimpl
    def propose(self, parents, llm):
        answers = llm("generator").complete([f"Write a riddle like: {p.statement}" for p in parents], sparq.Sampling())
        return [self.read(parent, answer) for parent, answer in zip(parents, answers)]

    def read(self, parent, answer):
        statement, _, reference = answer.text.partition(" = ")
        if not reference:
            return sparq.Draft(parents=(parent.id,), operator="riddle", ordinal=answer.ordinal, unparsed="no answer")
        return sparq.Draft(
            statement=statement, answer=reference, parents=(parent.id,), operator="riddle", ordinal=answer.ordinal
        )
"""


def known(number: int, **fields: Any) -> Known:
    right, wrong = [f"\\boxed{{{number}}}"], ["\\boxed{no}", "I do not know."]
    return Known(
        problem=f"Riddle {number}?", right=right, wrong=wrong, written=f"Riddle {number}? = {number}", **fields
    )


def attempts(sampler: SimulatedSampler, prompt: str, n: int = 2000) -> list[str]:
    messages = (sparq.Message("user", prompt),)
    (drawn,) = sampler.sample([sparq.Request(messages=messages, seed=5, n=n, sampling=sparq.Sampling())])
    return [completion.text for completion in drawn]


@pytest.mark.parametrize(("ability", "rate"), [(0.0, 0.25), (1.0986, 0.5), (-1.0986, 0.1)])
def test_a_simulated_model_solves_as_often_as_difficulty_and_ability_say(ability: float, rate: float) -> None:
    texts = attempts(SimulatedSampler([known(1, difficulty=0.75)], ability), "Solve this. Riddle 1?")
    assert texts.count("\\boxed{1}") / len(texts) == pytest.approx(rate, abs=0.03)


def test_a_latent_difficulty_follows_from_the_statement_and_spreads() -> None:
    rates = [known(i).solve_rate(0.0) for i in range(300)]
    assert rates == [known(i).solve_rate(0.0) for i in range(300)]
    assert [sum(low <= rate < low + 0.25 for rate in rates) for low in (0, 0.25, 0.5, 0.75)] == pytest.approx(
        [75] * 4, abs=25
    )
    assert known(1, difficulty=0.0).solve_rate(-9) == 1.0
    assert known(1, difficulty=1.0).solve_rate(9) == 0.0


def test_a_simulated_model_knows_what_it_is_asked() -> None:
    sampler = SimulatedSampler([known(1, difficulty=0.0), known(11, difficulty=0.0)], 0.0, "Write", {"Judge": ["yes"]})
    assert set(attempts(sampler, "Riddle 1?")) == {"\\boxed{1}"}
    assert set(attempts(sampler, "Riddle 11? Riddle 1?")) == {"\\boxed{11}"}
    assert set(attempts(sampler, "Write one like: Riddle 1?")) == {"Riddle 1? = 1", "Riddle 11? = 11"}
    assert set(attempts(sampler, "Judge: Riddle 1?")) == {"yes"}
    assert "holds no known problem" in attempts(sampler, "Who are you?")[0]
    assert SimulatedSampler([known(1)]).digest != SimulatedSampler([known(2)]).digest


def simulated(folder: Path, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    (folder / "known.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = {"problems": "known.jsonl", "writes": "Write a riddle"}
    return {"student": {"use": "simulated", "model": "riddles", "with": options}}


def test_a_domain_runs_with_a_simulated_model(
    sparq_sums: Callable[..., Any], sparq_run: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "riddles.py").write_text(DOMAIN)
    rows = [{"problem": f"Riddle {i}?", "right": [f"\\boxed{{{i}}}"], "wrong": ["?"], "written": f"Riddle {i}? = {i}"}
            for i in range(40)]  # fmt: skip
    pipeline = sparq_sums(
        "./riddles.py:Riddles", steps=4, models=simulated(tmp_path, [*rows, {**rows[0], "written": "?"}])
    )
    solved = list(sparq_run(pipeline).read().solved(outcome=None))
    children = [each.child for each in solved if not each.child.problem.is_seed]
    assert {child.problem.operator for child in children} == {"riddle"}
    assert {child.outcome for child in children} >= {"kept", "out-of-band"}


def test_a_file_of_known_problems_says_what_is_wrong_with_it(
    sparq_sums: Callable[..., Any], sparq_run: Callable[..., Ran], tmp_path: Path
) -> None:
    models = simulated(tmp_path, [{"problem": "1?", "right": ["1"], "wrong": ["2"]}, {"problem": "2?", "right": []}])
    with pytest.raises(sparq.PipelineError, match=r"known\.jsonl, line 2: .*a line has `problem`, `right` and `wrong`"):
        sparq_run(sparq_sums(models=models))


def test_plugins_that_are_tried_take_the_place_of_built_ins(sparq_sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import sparq_core as sparq\nclass Own:\n    @sparq.hookimpl\n    def select(self): ...\n"
        "    @sparq.hookimpl\n    def describe(self): ...\n"
    )
    uses = [entry["use"] for entry in sparq_sums("./own.py:Own", {"use": "lengths"})["plugins"]]
    assert uses == ["jsonl-seeds", "mutate", "sympy", "skills", "curate-band", "./own.py:Own", "lengths"]


def test_nothing_of_the_engine_is_part_of_everybodys_tests(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        "import sys\ndef test_theirs():\n    assert 'sparq_pytest' in sys.modules\n"
        "    assert not {name for name in sys.modules if name.startswith('sparq_core')}\n"
        "def test_ours(sparq_run, sparq_sums):\n    assert sparq_run(sparq_sums(steps=1)).ending.exit_code == 0\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "2 passed" in done.stdout, done.stdout
