import shutil
import time
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_exact_text import ExactText, ExactTextConfig
from sparq_exact_text.matching import compare, normalised

ROOT = Path(__file__).parents[1]
PLUGIN = ExactText(ExactTextConfig())
NEWTON = sparq.Problem(
    id="1.1.0",
    statement="Who found the law of gravitation?",
    answer="Isaac Newton",
    solution="\\boxed{Newton}",
    extra={"topic": "physics", "aliases": ["Newton"]},
)


WRITTEN = ["<question>Who?</question><answer>Ann</answer><topic>Physics</topic>", "<question>Who?</question>", ""]


def test_it_keeps_the_contract() -> None:
    sampler = ScriptedSampler({"Write another": WRITTEN, "Which other": ["<also>Annie; </also>", "none"]})
    check_plugin(PLUGIN, problems=[NEWTON] * 6, sampler=sampler)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("The Nile.", "nile"),
        ("ＮＩＬＥ", "nile"),
        ("Dvořák", "dvorak"),
        ("Hadrian’s Wall", "hadrians wall"),
        ("spider-man", "spider man"),
        ("1,000,000", "1000000"),
        ("3.0", "3.0"),
        ("−5 °C", "-5 c"),
        ("twenty-one", "21"),
        ("nineteen hundred and five", "1905"),
        ("two million three hundred thousand and six", "2300006"),
        ("seven and eight", "7 and 8"),
        ("one two", "1 2"),
        ("Salt & Pepper", "salt and pepper"),
        ("a", ""),
    ],
)
def test_what_does_not_count_is_left_out(text: str, same: str) -> None:
    assert normalised(text) == same


@pytest.mark.parametrize(
    ("text", "finish", "value", "reason"),
    [
        ("\\boxed{isaac newton}", "stop", "correct", "match"),
        ("\\boxed{Newton}", "stop", "correct", "match"),
        ("\\boxed{Sir Isaac Newton}", "stop", "unknown", "unsure"),
        ("\\boxed{Isaak Newtonn}", "stop", "unknown", "unsure"),
        ("\\boxed{Leibniz}", "stop", "incorrect", "different"),
        ("\\boxed{" + "Newton or " * 50 + "}", "stop", "incorrect", "different"),
        ("Newton", "stop", "incorrect", "no-answer"),
        ("It was", "length", "unknown", "truncated"),
    ],
)
def test_attempts_are_judged(text: str, finish: sparq.Finish, value: sparq.Value, reason: str) -> None:
    attempt = sparq.Attempt(k=0, seed=0, text=text, finish=finish, tokens=1)
    (verdict,) = PLUGIN.verify([sparq.Trial(NEWTON, attempt)])
    assert verdict is not None
    assert (verdict.value, verdict.reason) == (value, reason)


def test_numbers_are_right_or_wrong() -> None:
    assert compare("1989", ["1988"]) == "different"
    assert compare("nineteen hundred eighty-nine", ["1989"]) == "same"
    assert compare("in 1989", ["1989"]) == "unsure"


def test_long_answers_take_no_time() -> None:
    began = time.process_time()
    compare("one million and " * 100_000, ["a"])
    normalised("one million and " * 10_000)
    assert time.process_time() - began < 2


def test_the_whole_domain_runs(tmp_path: Path) -> None:
    for name in ("seeds.jsonl", "simulated.jsonl"):
        shutil.copy(ROOT / name, tmp_path)
    ran = run_pipeline(yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8")), tmp_path)
    assert ran.ending.reason == "done"
    assert ran.ending.tally.outcomes["kept"] > 0
    with ran.read() as ledger:
        topics = {value for (value,) in ledger.query("SELECT value FROM descriptor WHERE key = 'topic'")}
        reasons = {reason for (reason,) in ledger.query("SELECT DISTINCT reason FROM verdict")}
    assert len(topics) == 8
    assert {"match", "different", "unsure", "no-answer"} <= reasons
