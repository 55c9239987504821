"""Everything that reads what a model wrote: no text stops it, and none takes it longer than its length says."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hostile_texts import READERS, TEXTS, acting, growing, hostile_text

import sparq_core as sparq
from sparq_core.contract.texts import valid

LENGTH = 200_000
"""Characters at which what is quadratic takes a minute."""


@pytest.mark.parametrize("reader", READERS)
def test_no_text_stops_a_reader(reader: str) -> None:
    rng = Random(reader)
    for text in [*TEXTS.values(), *(hostile_text(rng) for _ in range(300))]:
        READERS[reader](valid(text))


def test_readers_are_linear() -> None:
    command = [sys.executable, str(Path(__file__)), str(LENGTH)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    try:
        subprocess.run(command, check=True, timeout=100, capture_output=True, env=environment)
    except subprocess.TimeoutExpired as slow:
        reading = (slow.stdout or b"").decode().splitlines()[-1]
        raise AssertionError(f"too slow: {reading}") from None


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_shown_is_inert_and_told_apart(name: str) -> None:
    text = TEXTS[name]
    assert not acting(sparq.inert(text, block=True))
    assert not acting(sparq.inert(text))
    assert "\n" not in sparq.inert(text)
    assert sparq.inert(sparq.inert(text)) == sparq.inert(text)


def test_a_text_that_does_nothing_is_shown_as_it_is() -> None:
    text = "La réponse: \\boxed{½} 二 ثلاثة 👨\u200d👩\u200d👧 [/]"
    assert sparq.inert(text) == text
    assert sparq.inert("a\n\tb", block=True) == "a\n\tb"
    assert sparq.inert("\x1b[2J\u202e\U000e0041\n") == r"\x1b[2J\u202e\U000e0041\n"


def test_of_a_long_text_the_ends_are_shown() -> None:
    assert sparq.shortened("a" * 50 + "b" * 50, 10) == "aaaaa… [90 characters omitted] …bbbbb"
    assert sparq.shortened("a" * 12, 10) == "a" * 12
    assert sparq.shortened("a" * 10, 10) == "a" * 10


def test_surrogates_are_joined_or_replaced() -> None:
    assert valid("\ud83d\ude00 \ud800!") == "\U0001f600 \ufffd!"


def main(length: int) -> None:
    for name, reader in READERS.items():
        for part, text in growing(length):
            print(name, ascii(part), flush=True)  # noqa: T201 -- how the test hears where it is
            reader(valid(text))


if __name__ == "__main__":
    main(int(sys.argv[1]))
