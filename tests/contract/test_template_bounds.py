"""A template that never ends, or writes without end, is an error within seconds: at `check`, or with its place in the run."""

import time
from typing import Any

import pytest

import sparq_core as sparq

DOUBLING = "{% set n = namespace(x='xx') %}{% for i in range(60) %}{% set n.x = n.x @ n.x %}{% endfor %}"
ENDLESS = {
    "a long range": "{% for i in range(10 ** 9) %}{% endfor %}",
    "loops in loops": "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
    "a repeated text": "{{ 'x' * 10 ** 9 }}",
    "a repeated list": "{{ [1] * 10 ** 9 }}",
    "powers": "{{ 9 ** (9 ** 9) }}",
    "a filled line": "{{ 'x' | center(10 ** 9) }}",
    "a method's filled line": "{{ 'x'.ljust(10 ** 9) }}",
    "a wide number": "{{ '%1000000000d' % 1 }}",
    "a wide number by a filter": "{{ '%*d' | format(10 ** 9, 1) }}",
    "a wide number by a method": "{{ '{:1000000000}'.format(1) }}",
    "many slices": "{{ [1] | slice(10 ** 9) | list }}",
    "calls in calls": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    "calls without end": "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    "doubled texts": DOUBLING.replace("@", "~"),
    "added texts": DOUBLING.replace("@", "+"),
    "output without end": "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "replaced letters": "{{ ('x' * 999999).replace('x', 'y' * 999999) }}",
    "joined texts": "{{ ['x' * 9999] | join | replace('x', 'y' * 99999) }}",
    "a loop in itself": "{% for i in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "brackets": "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "blocks": "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_without_end_is_refused_in_time(name: str) -> None:
    template, began = "{{ problem.id }}" + ENDLESS[name], time.process_time()
    with pytest.raises(sparq.PipelineError, match=r"^here: the template (is broken|cannot be rendered): "):
        sparq.check_template(template, "here", problem=sparq.DUMMY_PROBLEM)
    with pytest.raises(sparq.PipelineError, match=r"^here: the template cannot be rendered: ") as raised:
        sparq.render(template, "here", problem=sparq.DUMMY_PROBLEM)
    assert len(str(raised.value)) < 2_000
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for x in [1, 2] %}{{ loop.index }} of {{ loop.length }}{{ ', ' if not loop.last }}{% endfor %}", "1 of 2, 2 of 2"),
        ("{{ 'a' ~ 1 ~ none }}", "a1None"),
        ("{{ 7 % 4 }} {{ '%02d' % 3 }} {{ 2 ** 10 }} {{ 'ab' * 2 }}", "3 03 1024 abab"),
        ("{{ [1] + [2] }} {{ 'a' + 'b' }}", "[1, 2] ab"),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% else %}none{% endfor %}", "a1"),
        ("{{ ['a', 'b'] | join('-') | replace('a', 'cc') | upper | indent(2) }}", "CC-B"),
        ("{{ problem.statement * 1000 }}", sparq.DUMMY_PROBLEM.statement * 1000),
        ("{% for w in problem.statement.split() %}{{ w }}.{% endfor %}", "What.is.2.+.2?."),
    ],
)  # fmt: skip
def test_what_prompts_do_is_done(template: str, text: str) -> None:
    assert sparq.render(template, "here", problem=sparq.DUMMY_PROBLEM) == text


def test_a_template_that_fails_in_the_run_is_told_with_its_line_and_the_problem() -> None:
    problem: Any = sparq.Problem(id="1.3.2", statement="x", answer=None)
    template = "Solve\n{{ problem.statement }}\n{{ problem.answer.upper() }}\nnow"
    with pytest.raises(
        sparq.PipelineError, match=r"line 3 of it: 'upper' is used on a value that is none.*filled with problem 1\.3\.2"
    ):
        sparq.render(template, "here", problem=problem)
    with pytest.raises(sparq.PipelineError, match="the template is broken: line 2 of it: "):
        sparq.check_template("{{ problem }}\n{% for %}", "here", problem=sparq.DUMMY_PROBLEM)


def test_a_template_never_reaches_python() -> None:
    for path in ("''.__class__.__mro__", "problem.__init__.__globals__", "cycler.__init__.__globals__.os"):
        with pytest.raises(sparq.PipelineError, match=r"unsafe|has no"):
            sparq.render(f"{{{{ {path} }}}}", "here", problem=sparq.DUMMY_PROBLEM)
