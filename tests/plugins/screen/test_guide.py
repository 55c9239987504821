"""A model marks how far a child leads towards the seed it was made from."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, run_pipeline
from sparq_screen.guide import ASTRAY, CLEANLINESS, PROMPT, RELEVANCE, Guide, GuideConfig, last_mark

SEED = sparq.Child(problem=sparq.Problem(id="0.1.0", statement="What is 12 + 7?"), outcome="out-of-band")
ROUND_0 = sparq.Step(round=0, step=1, parents=(), children=(SEED,))


def child(number: int, *parents: str) -> sparq.Problem:
    return sparq.Problem(id=f"1.1.{number}", statement=f"What is {number} + 1?", parents=parents)


def llm(*answers: str) -> sparq.Llm:
    sampler = ScriptedSampler({"": list(answers)})
    return sparq.Llm((1, 1, 1), "screen", "guide", lambda _: sampler)


def screened(answer: str, *children: sparq.Problem, least: int = 3) -> list[str | None]:
    guide = Guide(GuideConfig(least=least))
    guide.commit(ROUND_0)
    return guide.screen(children, llm(answer))


@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        ("Relevance: 4", 4),
        ("**Relevance:** 4/5", 4),
        ("relevance is 2.", 2),
        ("Relevance: 1 at first sight, but then\nRelevance: 5", 5),
        ("Relevance: 3.5", None),
        ("Relevance: 10", None),
        ("Relevance (from 1 to 5): 4", None),
        ("irrelevance: 4", None),
        ("Relevance: high", None),
        ("", None),
    ],
)
def test_the_last_mark_is_read(answer: str, mark: int | None) -> None:
    assert last_mark(RELEVANCE, answer) == mark
    assert last_mark(CLEANLINESS, answer) is None


@pytest.mark.parametrize(
    ("relevance", "cleanliness", "reason"),
    [
        (3, 3, None),
        (2, 5, "irrelevant"),
        (5, 2, "unclean"),
        (1, 1, "irrelevant"),
        ("?", 2, "unclean"),
        ("?", "?", None),
    ],
)
def test_marks_below_the_least_reject(relevance: object, cleanliness: object, reason: str | None) -> None:
    assert screened(f"Relevance: {relevance}\nCleanliness: {cleanliness}", child(1, "0.1.0")) == [reason]


def test_a_higher_mark_can_be_wanted() -> None:
    assert screened("Relevance: 4\nCleanliness: 5", child(1, "0.1.0"), least=5) == ["irrelevant"]


def test_only_children_of_seeds_are_asked_about() -> None:
    children = child(1, "1.0.1"), child(2, "0.1.0", "1.0.1"), child(3), child(4, "1.0.1", "0.1.0")
    assert screened("Relevance: 1", *children) == [None, "irrelevant", None, None]


def test_the_prompt_has_both_statements() -> None:
    guide, asked = Guide(GuideConfig()), llm("Relevance: 1")
    guide.commit(ROUND_0)
    seen = guide._prompt(child(5, "0.1.0"))
    assert "What is 12 + 7?" in seen
    assert "What is 5 + 1?" in seen
    guide.screen([child(5, "0.1.0")], asked)
    assert [(said.role, said.plugin) for said in asked.recorded] == [("generator", "guide")]
    assert last_mark(RELEVANCE, PROMPT) is None


def test_its_memory_is_the_seeds_that_were_not_rejected() -> None:
    guide, other, file = Guide(GuideConfig()), Guide(GuideConfig()), io.BytesIO()
    rejected = sparq.Child(problem=sparq.Problem(id="0.1.1", statement="?"), outcome="rejected")
    guide.commit(sparq.Step(round=0, step=1, parents=(), children=(SEED, rejected)))
    guide.commit(sparq.Step(round=1, step=1, parents=("0.1.0",), children=(SEED,)))
    guide.save_state(file)
    other.load_state(io.BytesIO(file.getvalue()))
    assert other._targets == {"0.1.0": "What is 12 + 7?"}


def test_parents_that_are_no_seeds_are_warned_of_once() -> None:
    said: list[str] = []
    guide = Guide(GuideConfig())
    guide.start(said.append)
    guide.commit(ROUND_0)
    for parents in (("0.1.0",), ("0.1.0", "1.1.0"), ("1.1.0",)):
        guide.commit(sparq.Step(round=1, step=1, parents=parents, children=()))
    assert said == [ASTRAY]


def test_a_misspelt_template_is_refused() -> None:
    with pytest.raises(sparq.PipelineError, match=r"guide\.with\.prompt"):
        Guide(GuideConfig(prompt="{{ parents.statement }}")).check()


def guided(sums: Callable[..., Any], answers: list[str], **settings: Any) -> Any:
    pipeline = sums("unsolved", **settings)
    pipeline["attempts"] = {"k": 8, "seeds": True}
    pipeline["plugins"][1]["with"] = {"below": 0.7}
    pipeline["models"]["guide"] = {"use": "scripted", "model": "guide", "with": {"answers": {"": answers}}}
    pipeline["roles"] = {**dict.fromkeys(("generator", "solver", "labeller"), "student"), "guide": "guide"}
    pipeline["plugins"].append({"use": "guide", "with": {"role": "guide"}})
    return pipeline


def test_a_run_is_guided_and_goes_on_as_if_it_had_not_stopped(sums: Callable[..., Any], tmp_path: Path) -> None:
    answers = [
        "Relevance: 5\nCleanliness: 5",
        "Relevance: 2\nCleanliness: 5",
        "Relevance: 4\nCleanliness: 1",
        "I think so.",
    ]
    run_pipeline(guided(sums, answers, steps=2), tmp_path)
    ran = run_pipeline(guided(sums, answers, steps=5), tmp_path, resume=True)
    once = run_pipeline(guided(sums, answers, steps=5), tmp_path / "once")
    reasons = {
        reason: n
        for reason, n in ran.ending.tally.reasons.items()
        if "irrelevant" in str(reason) or "unclean" in str(reason)
    }
    assert len(reasons) == 2
    assert ran.ending.tally.reasons == once.ending.tally.reasons
