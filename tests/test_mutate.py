"""Operators: mixed by weight, recorded per child, with a second parent where the prompt wants one."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import run_pipeline
from sparq_mutate import PROMPTS, Mutate, MutateConfig, Operator


def mixed(sums: Callable[..., Any], **operators: dict[str, Any]) -> dict[str, Any]:
    pipeline: dict[str, Any] = sums()
    for entry in pipeline["plugins"]:
        if entry["use"] == "mutate":
            entry["with"] = {"operators": operators}
    return pipeline


def test_operators_are_mixed_by_weight_and_recorded(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline({**mixed(sums, mutate={"weight": 3}, harder={}), "steps": 20}, tmp_path)
    with ran.read() as ledger:
        made = Counter(operator for (operator,) in ledger.query("SELECT operator FROM problem WHERE round > 0"))
    assert set(made) == {"mutate", "harder"}
    assert 0.6 < made["mutate"] / made.total() < 0.9


def test_a_crossover_has_two_parents(sums: Callable[..., Any], tmp_path: Path) -> None:
    ran = run_pipeline(mixed(sums, crossover={}), tmp_path)
    with ran.read() as ledger:
        children = [s.child.problem for s in ledger.solved() if not s.child.problem.is_seed]
    assert children
    assert all(len(child.parents) == 2 and child.parents[0] != child.parents[1] for child in children)


def test_prompts_of_ones_own(sums: Callable[..., Any], tmp_path: Path) -> None:
    prompt = "Write a sum like {{ parent.statement }} in <problem> and <solution> tags."
    ran = run_pipeline(mixed(sums, story={"prompt": prompt}), tmp_path)
    with ran.read() as ledger:
        assert {operator for (operator,) in ledger.query("SELECT operator FROM problem WHERE round > 0")} == {"story"}


@pytest.mark.parametrize("name", sorted(PROMPTS))
def test_built_in_prompts_render(name: str) -> None:
    plugin = Mutate(MutateConfig(operators={name: Operator()}))
    assert not plugin.check()
    a, b = (sparq.Problem(id=f"0.1.{i}", statement=f"What is {i}?", solution=f"It is {i}.") for i in (1, 2))
    plan = plugin._plan([a, b], 0, sparq.generator(1))
    text = plugin._prompt(plan)
    assert "What is 1?" in text
    assert "<problem> tags" in text
    assert ("What is 2?" in text) == (name == "crossover")
    assert "{" not in text.replace("\\boxed{}", "")


def test_an_operator_without_a_prompt_is_refused() -> None:
    (finding,) = Mutate(MutateConfig(operators={"funnier": Operator()})).check()
    assert "give it a prompt" in finding.message
    with pytest.raises(sparq.PipelineError, match="never uses 'parent'"):
        Mutate(MutateConfig(operators={"x": Operator(prompt="Write a problem.")})).check()
