"""Operators: mixed by weight, recorded per child, with a second parent where the prompt wants one."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import sparq_core as sparq
from sparq_core.cli import preview
from sparq_core.pipeline import prepare
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
    assert made["mutate"] / made.total() == pytest.approx(0.75, abs=0.05)


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=6), st.integers(1, 64), st.integers())
def test_a_steps_parents_are_shared_out_by_weight(weights: list[float], n: int, seed: int) -> None:
    operators = {f"o{i}": Operator(weight=weight, prompt="{{ parent.statement }}") for i, weight in enumerate(weights)}
    drawn = Counter(Mutate(MutateConfig(operators=operators))._shared_out(n, sparq.generator(seed)))
    assert drawn.total() == n
    for name, operator in operators.items():
        assert abs(drawn[name] - n * operator.weight / sum(weights)) <= 1.000001


def test_a_preview_shows_every_operator(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(json.dumps(mixed(sums, mutate={}, harder={}, easier={}, crossover={})))
    console = Console(record=True, width=120)
    preview.tell(console, prepare.load(tmp_path / "p.yaml"))
    shown = console.export_text()
    assert "propose (mutate): the prompt" in shown
    assert all(f"propose (mutate: {name}): the prompt" in shown for name in ("harder", "easier", "crossover"))


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
    plan = plugin._plan(name, [a, b], 0, sparq.generator(1))
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
