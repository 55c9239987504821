"""The paper's prompts by name, beside templates, and what is read of answers in the form they ask for."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import sparq_command

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, run_pipeline
from sparq_mutate import PAPER, PROMPT, Mutate, MutateConfig
from sparq_skills import PAPER as PAPER_SKILLS
from sparq_skills import Skills, SkillsConfig
from sparq_sympy import Sympy, SympyConfig

PARENT = sparq.Problem(id="0.1.0", statement="What is {2} + 2?", solution="It is \\boxed{4}.", answer="4")
WRITTEN = """\
Here is one.
<problem>
For which $x$ is $x^2 - 3x + 2 = 0$?
</problem>

<solution>
$(x - 1)(x - 2) = 0$, so the answer is $\\boxed{(1, 2)}$.
</solution>"""


def llm(sampler: ScriptedSampler) -> sparq.Llm:
    return sparq.Llm((0, 1, 1), "hook", "plugin", lambda _: sampler)


def test_the_papers_mutation_asks_for_a_novel_problem_and_no_more() -> None:
    sampler = ScriptedSampler({"novel problem": [WRITTEN]})
    (draft,) = Mutate(MutateConfig(prompt="paper")).propose([PARENT], llm(sampler), sparq.generator(1))
    assert (draft.statement, draft.answer, draft.unparsed) == ("For which $x$ is $x^2 - 3x + 2 = 0$?", "(1, 2)", "")
    prompt = sampler.requests[0].messages[-1].content
    assert PARENT.statement in prompt
    assert PARENT.solution in prompt
    assert "{{" not in prompt
    assert not {"harder", "easier", "difficult", "skill", "mutate", "inspired"} & set(prompt.casefold().split())


@pytest.mark.parametrize(("answer", "value"), [("(1, 2)", "correct"), ("1, 2", "correct"), ("(1, 3)", "incorrect")])
def test_several_answers_in_parentheses_are_the_list_they_hold(answer: str, value: str) -> None:
    checker = Sympy(SympyConfig())
    problem = sparq.Problem(id="1.1.0", statement="?", answer="(1, 2)")
    attempt = sparq.Attempt(k=0, seed=0, text=f"So $\\boxed{{{answer}}}$.", finish="stop", tokens=1)
    (said,) = checker.verify([sparq.Trial(problem, attempt)])
    checker.stop()
    assert said is not None
    assert said.value == value


def test_the_papers_labels_are_skills_and_lemmas() -> None:
    sampler = ScriptedSampler({"skills and lemmas": ["<skills>Vieta's formulas, Factoring, AM-GM, sums</skills>"]})
    case = sparq.Case(PARENT, (), sparq.Counts())
    (described,) = Skills(SkillsConfig(prompt="paper", max=3)).describe([case], llm(sampler))
    assert described == {"skills": ["am-gm", "factoring", "vieta's formulas"]}
    assert "at most 3" in sampler.requests[0].messages[-1].content


def named(sums: Any) -> dict[str, Any]:
    pipeline: dict[str, Any] = sums(steps=2)
    for entry in pipeline["plugins"]:
        if entry["use"] in {"mutate", "skills"}:
            entry["with"] = {"prompt": "paper"}
    return pipeline


def test_the_runs_identity_holds_the_text_not_the_name(sums: Any, tmp_path: Path) -> None:
    ran = run_pipeline(named(sums), tmp_path)
    with ran.read() as ledger:
        plugins = json.loads(ledger.run().identity)["plugins"]
        assert [solved for solved in ledger.solved([1]) if solved.child.descriptors["skills"]]
    assert plugins["mutate"]["with"]["prompt"] == PAPER != PROMPT
    assert plugins["skills"]["with"]["prompt"] == PAPER_SKILLS


@pytest.mark.parametrize("use", ["mutate", "skills"])
def test_a_word_that_names_no_preset_is_refused_before_the_run(sums: Any, tmp_path: Path, use: str) -> None:
    pipeline = named(sums)
    for entry in pipeline["plugins"]:
        if entry["use"] == use:
            entry["with"]["prompt"] = "papr"
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(pipeline))
    told = sparq_command("run", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "run"), code=2)
    assert "'papr' is neither a preset nor a template (a template has names in {{ }}); did you mean 'paper'" in told
    assert not (tmp_path / "run").exists()


def test_a_template_with_the_word_in_it_is_a_template() -> None:
    own = "On paper: {{ parent.statement }}"
    assert MutateConfig(prompt=own).prompt == own
