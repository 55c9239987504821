"""The rules of the number games: what is told solves to its own answer, and what is broken has none."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparq_ladder.games import HELD_OUT, Plan, draw, unseen_pair
from sparq_ladder.rules import LONGEST, answer, read, solve
from sparq_ladder.skills import MOVES, OPENINGS, QUESTIONS

PLAN = Plan(lengths={1: 1, 2: 1, 3: 1, 4: 1, 5: 1}, large=0.3)
rngs = st.integers(0, 2**32).map(random.Random)


@given(rngs)
def test_a_told_game_is_read_as_it_was_drawn(rng: random.Random) -> None:
    told = draw(rng, PLAN)
    assert read(told.statement) == told.game
    assert solve(told.statement) == answer(told.game) == told.answer


@given(rngs)
def test_a_game_without_one_of_its_sentences_asks_something_else_or_nothing(rng: random.Random) -> None:
    told = draw(rng, PLAN)
    sentences = told.statement.replace("?", "?|").replace(". ", ".| ").strip("|").split("|")
    at = rng.randrange(len(sentences))
    broken = "".join(sentences[:at] + sentences[at + 1 :]).strip()
    assert read(broken) != told.game
    if at in {0, len(sentences) - 1}:
        assert solve(broken) is None


@settings(max_examples=50)
@given(st.text() | st.text(alphabet="Start with 0123456789. Double it? Add"))
def test_any_text_may_be_asked_about(text: str) -> None:
    answered = solve(text)
    assert answered is None or 0 <= answered < 10**LONGEST


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Start with 35. Triple it. Add 30. What comes out?", 135),
        ("Ben counts from 4 to 9. Result?", 6),
        ("Anna walks around 3 by 5. Square it. What is it?", 256),
        ("Find the middle of 3 and 9. Raise it to at least 8. Result?", 8),
        ("Think of 90. Read it backwards. Result?", 9),
        ("Think of 45. Round it to tens. Result?", 50),
        ("Start with 20. It grows by a quarter. Drop a fifth of it. Result?", 20),
        ("Start with 12. Take its common divisor with 18. Take it modulo 4. Result?", 2),
        ("Start with 7. Result?", 7),
    ],
)
def test_skills_do_what_they_say(statement: str, expected: int) -> None:
    assert solve(statement) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "",
        "Start with 35. Triple it.",
        "Start with 35. Halve it. Result?",
        "Start with 5. Subtract 6. Result?",
        "Start with 5. Take it modulo 0. Result?",
        "Start with 05. Double it. Result?",
        "Start with 5. It grows by half. Result?",
        "Start with 5. It grows by a 5. Result?",
        "Start with 5. Double. Result?",
        "Double it. Start with 5. Result?",
        "Start with 5. Start with 5. Result?",
        "Start with 5. Result? Double it.",
        "Start with 5. Double it. Result? Result?",
        "Start with 999999. Double it. Result?",
        "Start with 999999999. Result?",
        "start with 5. Double it. Result?",
    ],
)
def test_what_is_malformed_or_cannot_be_done_has_no_answer(statement: str) -> None:
    assert solve(statement) is None


def test_no_wording_means_two_things() -> None:
    for skill in MOVES:
        for wording in skill.wordings:
            game = read(f"Start with 60. {wording.format(n='half' if skill.operand == 'part' else 6)} {QUESTIONS[0]}")
            assert game is not None
            assert [step.skill for step in game.steps] == [skill]
    names = [skill.name for skill in (*OPENINGS, *MOVES)]
    assert len(set(names)) == len(names) == 26


def test_a_tenth_of_all_games_and_a_seventh_of_all_pairs_are_kept_for_benchmarks() -> None:
    rng = random.Random(0)
    told = [draw(rng, PLAN) for _ in range(600)]
    assert abs(sum(t.held_out for t in told) / 600 - HELD_OUT / 256) < 0.05
    pairs = [unseen_pair(a.name, b.name) for a in (*OPENINGS, *MOVES) for b in MOVES]
    assert 0.1 < sum(pairs) / len(pairs) < 0.2
