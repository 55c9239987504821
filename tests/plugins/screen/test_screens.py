"""What is turned away before it is attempted."""

import os
import subprocess
import sys
from random import Random

import numpy as np
import pytest

import sparq_core as sparq
from sparq_screen import WORDS, Duplicates, DuplicatesConfig, Lengths, LengthsConfig, triples
from sparq_screen.judge import says_yes
from sparq_screen.near import NearDuplicates, bands_of

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


SCHEMA = "\n".join(f"CREATE TABLE table_{i} (id INTEGER PRIMARY KEY, name TEXT, size INTEGER);" for i in range(200))


def questions(count: int) -> list[str]:
    """Different questions of some ten words."""
    rng = Random(1)
    things, colours = ("books", "lamps", "ships", "roads", "trees"), ("red", "old", "long", "new", "rare")
    found = {
        f"How many {rng.choice(colours)} {rng.choice(things)} with a size of {rng.randrange(10**4)} are in "
        f"table_{rng.randrange(30)} and not in table_{rng.randrange(30)}?"
        for _ in range(count)
    }
    return sorted(found)


def asked(questions: list[str]) -> list[sparq.Problem]:
    return [
        sparq.Problem(id=f"1.1.{i}", statement=f"{SCHEMA}\n\n{question}", extra={"question": question})
        for i, question in enumerate(questions)
    ]


def test_statements_with_a_shared_preamble_are_compared_by_a_field() -> None:
    children = asked(questions(600))
    whole, by_question = Duplicates(DuplicatesConfig()), Duplicates(DuplicatesConfig(field="question"))
    whole.start()
    by_question.start()
    assert whole.admit(children).count(None) < 10, "the preamble does not hide what differs: the test tests nothing"
    assert by_question.admit(children).count(None) == len(children) > 500
    again = [child.extra["question"].replace("How many", "How  MANY") for child in children]
    assert by_question.admit(asked(again)) == ["duplicate"] * len(children)
    assert by_question.admit(asked([f"{STORY} {again[0]}", f"{STORY} {again[0]} Say it!"])) == [None, "near duplicate"]


@pytest.mark.parametrize("extra", [{}, {"question": " "}, {"question": 7}, {"question": None}])
def test_a_child_without_the_field_is_rejected(extra: dict[str, object]) -> None:
    plugin = Duplicates(DuplicatesConfig(field="question"))
    plugin.start()
    assert plugin.admit([sparq.Problem(id="1.1.1", statement=STORY, extra=extra)]) == ["no question to compare"]


def test_the_rate_of_near_duplicates_is_told_without_seeds() -> None:
    plugin = Duplicates(DuplicatesConfig())
    reasons = ["", "near duplicate", "duplicate", ""]
    children = tuple(
        sparq.Child(problem=problem, outcome="rejected" if reason else "kept", reason=reason)
        for problem, reason in zip(problems("a", "b", "c", "d"), reasons, strict=True)
    )
    assert plugin.commit(sparq.Step(round=0, step=1, parents=(), children=children)) == {}
    assert plugin.commit(sparq.Step(round=1, step=1, parents=(), children=children)) == {"near_duplicate_rate": 0.25}


def test_very_short_statements_do_not_fail() -> None:
    assert admit(0.9, "", "?", "a b") == [None, None, None]


def variants(words: int, replaced: int, count: int) -> list[str]:
    """Texts made from one, each with some of its words replaced."""
    rng, found = Random(1), []
    for _ in range(count):
        text = [f"w{i}" for i in range(words)]
        for place in rng.sample(range(words), replaced):
            text[place] = f"x{rng.randrange(10**6)}"
        found.append(" ".join(text))
    return found


@pytest.mark.parametrize("near", [0.5, 0.8, 0.9, 0.95])
def test_pairs_well_above_the_threshold_are_found_and_those_well_below_are_not(near: float) -> None:
    rng = Random(2)
    index = NearDuplicates(near)
    for alike in (near + (1 - near) * 0.8, near - 0.15):
        shared = round(200 * 2 * alike / (1 + alike))
        missed = 0
        for _ in range(100):
            common = [str(rng.random()) for _ in range(shared)]
            pair = [[*common, *(str(rng.random()) for _ in range(200 - shared))] for _ in range(2)]
            first, second = map(index.add, index.signatures(pair))
            assert first
            missed += second
        assert missed <= 2 if alike > near else missed >= 98


@pytest.mark.parametrize("near", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1.0])
def test_bands_find_pairs_at_the_threshold(near: float) -> None:
    bands, rows = bands_of(near)
    assert bands * rows <= 128
    assert 1 - (1 - near**rows) ** bands >= 0.999


def test_long_chains_are_followed_to_their_end() -> None:
    index = NearDuplicates(0.95)
    texts = [triples(WORDS.findall(text)) for text in variants(60, 2, 600)]
    admitted = [index.add(signature) for signature in index.signatures(texts)]
    assert index._long, "no chain was long: the test tests nothing"
    assert sum(admitted) > 500
    assert not any(index.add(signature) for signature in index.signatures(texts))


def test_batches_do_not_change_what_is_admitted() -> None:
    texts = variants(40, 2, 300)
    one, many = Duplicates(DuplicatesConfig(near=0.8)), Duplicates(DuplicatesConfig(near=0.8))
    one.start()
    many.start()
    said = one.admit(problems(*texts))
    assert {None, "near duplicate"} == set(said)
    assert [reason for text in texts for reason in many.admit(problems(text))] == said


def test_every_process_admits_the_same() -> None:
    code = (
        "import sparq_core as s, sparq_screen as p; d = p.Duplicates(p.DuplicatesConfig(near=0.8)); d.start();"
        "t = [' '.join(str(i) if j in (i % 40, i * i % 40) else f'w{j}' for j in range(40)) for i in range(200)];"
        "print(d.admit([s.Problem(id='1.1.1', statement=x) for x in t]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert b"near duplicate" in told.pop()


def test_a_million_problems_take_less_than_600_megabytes() -> None:
    index = NearDuplicates(0.9)
    arrays = (index._before, index._numbers)
    each = sum(array.itemsize * array.shape[1] for array in arrays) + 100  # and what a set of integers takes
    assert index._newest.nbytes + 10**6 * each < 400e6
    assert index._numbers.dtype == np.uint8


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


@pytest.mark.parametrize(
    ("text", "yes"),
    [
        ("Yes.", True),
        ("no", False),
        ("It says all. Yes", True),
        ("Yes? No!", False),
        ("I cannot tell", None),
    ],
)
def test_a_judges_last_word_counts(text: str, yes: bool | None) -> None:
    assert says_yes(text) is yes
