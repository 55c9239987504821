"""A template that cannot be rendered is found before the run, and one that fails in it is told with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.contract.config import ATTEMPT_PROMPT
from sparq_core.pipeline import prepare
from sparq_core.testing import problem
from sparq_mutate import PROMPTS, Mutate, MutateConfig, Operator
from sparq_screen.judge import Judge, JudgeConfig
from sparq_skills import Skills, SkillsConfig


def check(template: str, *names: str) -> None:
    sparq.check_template(template, "here", *names, problem=sparq.DUMMY_PROBLEM, max=3)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (
            "{{ problem.statment }}",
            r"a Problem has no 'statment'; did you mean 'statement'\? \(known: answer, extra, id",
        ),
        ("{{ problem.statment.strip() }}", "did you mean 'statement'"),
        ("{{ problem['statment'] }}", "did you mean 'statement'"),
        ("{{ problem | attr('statment') }}", "did you mean 'statement'"),
        ("{% for p in problem.parent %}{{ p }}{% endfor %}", "did you mean 'parents'"),
        ("{{ problem.statement.uper() }}", "a str has no 'uper'; did you mean 'upper'"),
        ("{{ problem.statement | uper }}", "No filter named 'uper'"),
        ("{{ problem.statement is numbr }}", "No test named 'numbr'"),
        ("{{ problem.statement + 1 }}", "TypeError: can only concatenate str"),
        ("{{ problem.statement * max * problem.answer }}", "TypeError"),
        ("{{ problem.statement }}{{ max.statement }}", "a int has no 'statement'"),
        ("{{ problem.__class__.__mro__ }}", "'__class__'.* is unsafe"),
        ("{{ problem", "the template is broken"),
        ("{{ problem.extra.tests }}{{ problem.statment }}", "did you mean 'statement'"),
        ("{{ problem.statement }}{{ level }}", "uses 'level'; it may use problem and max"),
        ("{{ max }}", "never uses 'problem'"),
    ],
)
def test_what_no_data_could_mend_is_refused(template: str, message: str) -> None:
    with pytest.raises(sparq.PipelineError, match=rf"^here: .*{message}"):
        check(template)


@pytest.mark.parametrize(
    "template",
    [
        ATTEMPT_PROMPT,
        "{{ problem.answer.upper() }}",
        "{{ problem.answer | int + max }}",
        "{{ problem.parents | first }} {{ problem.parents[1] }}",
        "{{ problem.statement.split('####')[1].strip() }}",
        "{{ problem.statement[500] }}",
        "{{ {'harder': 'x'}[problem.operator] }}",
        "{{ 1 / (problem.answer | int - 4) }}",
        "{% if problem.is_seed %}{{ problem.statment }}{% endif %}",
        "{{ problem.extra.tests[0].input.x }}",
        "{% for name, test in problem.extra.tests.items() %}{{ name }}: {{ test }}{% endfor %}",
        "{{ problem['extra']['n'] + 1 }} {{ problem.extra.tests | length }} {{ problem.extra.tests | tojson }}",
        "{{ problem.extra.get('unit').upper() }}",
        "{% if problem.extra.unit is defined %}{{ problem.extra.unit }}{% endif %}",
        "{% set ns = namespace() %}{% if problem.is_seed %}{% set ns.a = 1 %}{% endif %}{{ ns.a }}",
    ],
)
def test_what_hangs_on_the_data_is_not_refused(template: str) -> None:
    check(template)


def test_a_name_without_a_dummy_stands_for_anything() -> None:
    sparq.check_template("{{ case.anything[0].at(max) + 1 }}", "here", "case", "max")
    with pytest.raises(sparq.PipelineError, match="uses 'cases'; it may use case and max"):
        sparq.check_template("{{ case }}{{ cases }}", "here", "case", "max")
    with pytest.raises(sparq.PipelineError, match="never uses 'case'"):
        sparq.check_template("{{ max }}", "here", "case", "max")
    with pytest.raises(sparq.PipelineError, match="did you mean 'statement'"):
        check("{{ case.x }}{{ problem.statment }}", "case")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ problem.statement + 1 }}", "TypeError"),
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{{ range(10 ** 9) }}", "what 'range' is given in it is larger than any prompt"),
        ("{{ problem.__class__ }}", "unsafe"),
        ("{{ problem.answer.upper() }}", "'upper' is used on a value that is none; test the value first"),
        ("{{ problem.extra.tets }}", r"a dict has no 'tets'; did you mean 'tests'\? \(known: tests\)"),
        ("{{ problem.statment }}", "did you mean 'statement'"),
        ("{{ problem | nothing }}", "No filter named 'nothing'"),
        ("{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}", "RecursionError"),
    ],
)
def test_whatever_fails_in_the_run_is_told_with_its_place(template: str, message: str) -> None:
    with pytest.raises(sparq.PipelineError, match=rf"^here: the template cannot be rendered: .*{message}"):
        sparq.render(template, "here", problem=problem(answer=None, extra={"tests": 1}))


TYPO = "{{ problem.statment }}"


@pytest.mark.parametrize(
    ("plugin", "place"),
    [
        (Mutate(MutateConfig(prompt="{{ parent.statment }}")), "mutate.with.prompt"),
        (
            Mutate(MutateConfig(operators={"x": Operator(prompt="{{ parent.statement }}{{ other.statment }}")})),
            "mutate.with.operators.x.prompt",
        ),
        (Skills(SkillsConfig(prompt=TYPO)), "skills.with.prompt"),
        (Judge(JudgeConfig(prompt=TYPO)), "judge.with.prompt"),
    ],
    ids=["mutate", "operator", "skills", "judge"],
)
def test_built_ins_try_their_templates(plugin: Any, place: str) -> None:
    with pytest.raises(sparq.PipelineError, match=rf"^{place}: .*did you mean 'statement'"):
        plugin.check()


def test_the_prompt_of_attempts_is_tried(sums: Callable[..., Any], tmp_path: Path) -> None:
    import yaml

    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums(attempts={"prompt": TYPO})))
    with pytest.raises(sparq.PipelineError, match=r"^attempts.prompt: .*did you mean 'statement'"):
        prepare.load(tmp_path / "p.yaml")


def test_the_templates_that_come_with_built_ins_pass() -> None:
    for plugin in (
        Mutate(MutateConfig(operators={"mutate": Operator(), **{name: Operator() for name in PROMPTS}})),
        Skills(SkillsConfig()),
        Judge(JudgeConfig()),
    ):
        assert plugin.check() == []
