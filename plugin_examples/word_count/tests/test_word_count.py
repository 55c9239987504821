import shutil
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import check_plugin, problem, run_pipeline
from sparq_word_count import WordCount

ROOT = Path(__file__).parents[1]


def test_it_keeps_the_contract() -> None:
    check_plugin(WordCount())


@pytest.mark.parametrize(("statement", "words"), [("What is 1 + 1?", 5.0), (" two\n words ", 2.0), ("", 0.0)])
def test_words_are_what_blanks_part(statement: str, words: float) -> None:
    case = sparq.Case(problem(statement=statement), (), sparq.Counts())
    assert WordCount().describe([case]) == [{"words": words}]


def test_the_pipeline_runs(tmp_path: Path) -> None:
    shutil.copy(ROOT / "seeds.jsonl", tmp_path)
    ran = run_pipeline(yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8")), tmp_path)
    assert ran.ending.reason == "done"
    assert ran.ending.tally.outcomes["kept"] > 0
    with ran.read() as ledger:
        described = {value for (value,) in ledger.query("SELECT value FROM descriptor WHERE key = 'words'")}
    assert len(described) > 3
