"""Tasks and arms may have any name: the tables stay tables, the pictures pictures."""

from pathlib import Path

import pytest
from hostile_texts import TEXTS, acting

from sparq_core.contract.texts import valid
from sparq_core.study import plots, tables
from sparq_core.study.design import Study
from sparq_core.study.results import Mean, Results

NAMES = [
    "$x^{$",
    "a | b",
    "a\nb",
    "<script>",
    *(valid(TEXTS[name]) for name in ("title", "bidi", "markup", "one long word")),
]


def mean(task: str, stage: str) -> Mean:
    return Mean(task[:50], task, stage, 1, 9, 0.5, 0.4, 0.6, None, None)


@pytest.mark.filterwarnings("ignore:Glyph")
def test_tables_and_pictures_bear_any_name(tmp_path: Path) -> None:
    means = [mean(name, stage) for name in NAMES for stage in ("base", "round 1")]
    results = Results("s", 1, 1, [], means, [], [], {"attempts": 1, "tokens": 1}, [])
    written = plots.write(Study(name="s", base="base.yaml"), results, tmp_path)
    assert len({path.name for path in written}) == len(NAMES)
    rows = [line for line in tables.markdown(results).splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows[: len(NAMES) + 2]}) == 1
    assert len(rows) == len(NAMES) + 4
    assert not acting("\n".join(rows))
    assert "<script" not in "\n".join(rows)
