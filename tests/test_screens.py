"""What is turned away before it is attempted."""

import json
from pathlib import Path

import pytest

import sparq_core as sparq
from sparq_screen import Duplicates, DuplicatesConfig, Lengths, LengthsConfig
from sparq_screen.decontaminate import Decontaminate, DecontaminateConfig
from sparq_screen.judge import verdict

STORY = (
    "Anna has twelve red apples in a basket and her friend Ben brings her seven green apples from the market on Monday "
    "morning. How many apples does Anna have in all after that?"
)


def problems(*statements: str, answer: str = "1") -> list[sparq.Problem]:
    return [sparq.Problem(id=f"1.1.{i}", statement=s, answer=answer) for i, s in enumerate(statements)]


def admit(near: float | None, *statements: str) -> list[str | None]:
    plugin = Duplicates(DuplicatesConfig(near=near))
    plugin.start()
    return plugin.admit(problems(*statements))


def test_exact_duplicates_but_for_case_and_spacing() -> None:
    assert admit(None, "What is 1 + 1?", "what  is 1 + 1 ?", "What is 1 + 2?") == [None, "duplicate", None]


def test_near_duplicates_by_similarity() -> None:
    nearly = STORY.replace("in all after", "in total after")
    assert admit(0.8, STORY, nearly) == [None, "near duplicate"]
    assert admit(0.99, STORY, nearly) == [None, None]
    assert admit(None, STORY, nearly) == [None, None]


def test_another_number_makes_another_short_problem() -> None:
    assert admit(0.9, "What is 12 + 7?", "What is 12 + 8?") == [None, None]


def test_a_batch_is_compared_with_earlier_batches() -> None:
    plugin = Duplicates(DuplicatesConfig())
    plugin.start()
    assert plugin.admit(problems(STORY)) == [None]
    assert plugin.admit(problems(STORY)) == ["duplicate"]


def test_very_short_statements_do_not_fail() -> None:
    assert admit(0.9, "", "?", "a b") == [None, None, None]


@pytest.mark.parametrize(
    ("statement", "answer", "reason"),
    [
        ("1+1?", "2", "statement too short"),
        ("x" * 5000, "2", "statement too long"),
        ("What is 1 + 1?", "2" * 300, "answer too long"),
        ("What is 1 + 1?", "2", None),
    ],
)
def test_lengths(statement: str, answer: str, reason: str | None) -> None:
    assert Lengths(LengthsConfig()).screen(problems(statement, answer=answer)) == [reason]


def children(*statements: str) -> list[sparq.Problem]:
    return [sparq.Problem(id=f"1.1.{i}", statement=text, answer="1") for i, text in enumerate(statements)]


def test_what_repeats_a_benchmark_is_turned_away(tmp_path: Path) -> None:
    benchmark = tmp_path / "test.jsonl"
    question = "A farmer has seven red apples and gives three of them to her youngest neighbour. How many are left?"
    rows = [
        {"question": question, "answer": "4"},
        {"question": "What is 2 + 2?", "meta": {"also": ["Name the capital."]}},
    ]
    benchmark.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plugin = Decontaminate(DecontaminateConfig(files=[str(benchmark)], ngram=8))
    plugin.start()
    said = plugin.screen(
        children(
            question.upper(),
            "Yesterday a farmer has seven red apples and gives three, of them, to a friend.",
            "A farmer has seven green apples and gives three of them away.",
            "what is 2 + 2",
            "What is 2 + 3?",
            "Name the capital!",
        )
    )
    assert said == [
        "contaminated by test.jsonl",
        "contaminated by test.jsonl",
        None,
        "contaminated by test.jsonl",
        None,
        "contaminated by test.jsonl",
    ]


def test_only_the_columns_named_are_looked_at(tmp_path: Path) -> None:
    benchmark = tmp_path / "test.jsonl"
    benchmark.write_text(json.dumps({"question": "What is 2 + 2?", "note": "What is 3 + 3?"}) + "\n")
    plugin = Decontaminate(DecontaminateConfig(files=[str(benchmark)], columns=["question"]))
    plugin.start()
    assert plugin.screen(children("What is 2 + 2?", "What is 3 + 3?")) == ["contaminated by test.jsonl", None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Yes.", None),
        ("no", "ill posed"),
        ("It says all. Yes", None),
        ("Yes? No!", "ill posed"),
        ("I cannot tell", None),
    ],
)
def test_a_judges_last_word_counts(text: str, reason: str | None) -> None:
    assert verdict(text) == reason
