"""Reading what models write: boxes, tags, skills, templates; hostile text included."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_mutate import tagged
from sparq_skills import read_skills
from sparq_sympy import final_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} and \boxed{2", "1"),
        (r"\boxed{a \} b}", r"a \} b"),
        (r"\boxed{ 7 }", "7"),
        ("no box", None),
        ("", None),
    ],
)
def test_last_boxed(text: str, answer: str | None) -> None:
    assert sparq.last_boxed(text) == answer


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("So:\n```python\nprint(1)\n```\nDone.", "print(1)\n"),
        ("```\na\n```\nNo:\n```sql\nb\n```", "b\n"),
        ("```python\nprint(1)", None),
        ("``` only ```", ""),
        ("print(1)", None),
        ("", None),
    ],
)
def test_last_code_block(text: str, block: str | None) -> None:
    assert sparq.last_code_block(text) == block


@given(st.text(alphabet="\\boxed{}1 ", max_size=200))
def test_last_boxed_never_fails(text: str) -> None:
    answer = sparq.last_boxed(text)
    assert answer is None or answer in text


@pytest.mark.parametrize("text", ["\\boxed{" * 50_000, "{" * 300_000, "\\boxed{}" * 50_000 + "{"])
def test_last_boxed_is_linear(text: str) -> None:
    began = time.process_time()
    final_answer(text)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("… #### 18", "18"),
        ("#### 1\n#### 2", "2"),
        ("The answer is 12.", "12"),
        ("the final answer: $5$", "$5$"),
        ("The answer is 3.5. I am sure.", "3.5"),
        ("The answer is 4\nand so on", "4"),
        (r"#### 3 but \boxed{4}", "4"),
        ("I do not know", None),
        (r"\boxed{}", None),
    ],
)
def test_final_answer(text: str, answer: str | None) -> None:
    found = final_answer(text)
    assert (found and found.answer) == answer


def test_tags() -> None:
    assert tagged("<problem>\n x </problem>", "problem") == "x"
    assert tagged("<problem>x", "problem") is None


def test_skills_are_lower_case_distinct_and_sorted() -> None:
    assert read_skills("<skills>Money,  addition , ADDITION,time.</skills>", 3) == ["addition", "money", "time"]
    assert read_skills("<skills>b, a, c</skills>", 2) == ["a", "b"]
    assert read_skills("<skills>cut, sho", 3) == ["cut", "sho"]
    assert read_skills("none", 3) == []


def test_templates_take_latex_braces_and_refuse_unknown_names() -> None:
    assert sparq.render("\\boxed{} {{ x }}", "here", x=1) == "\\boxed{} 1"
    with pytest.raises(sparq.PipelineError, match=r"here: .*'y' is undefined"):
        sparq.render("{{ y }}", "here", x=1)


@pytest.mark.parametrize(
    "template", ["{{ x.__class__.__mro__ }}", "{{ ''.__class__ }}", "{{ x.__init__.__globals__ }}"]
)
def test_templates_are_sandboxed(template: str) -> None:
    with pytest.raises(sparq.PipelineError):
        sparq.render(template, "here", x=sparq.Counts())
