"""The page of guarantees names tests that there are, and the figures of the sweeps that there were."""

import re
from pathlib import Path

import pytest
from torture import PAGE, RESULTS, table

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", PAGE.read_text())


def test_the_page_names_many() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "test"), NAMED, ids=lambda part: part)
def test_a_named_test_is_there(file: str, test: str) -> None:
    text = (ROOT / "tests" / file).read_text()
    assert f"def {test}(" in text if test else "def test_" in text


def test_the_figures_are_those_of_the_sweeps() -> None:
    assert table(RESULTS) in PAGE.read_text()
