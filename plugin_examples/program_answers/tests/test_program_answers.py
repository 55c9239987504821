import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler, check_plugin, run_pipeline
from sparq_program_answers import ProgramAnswers, ProgramAnswersConfig
from sparq_program_answers.programs import Runner, same, tools_of

ROOT = Path(__file__).parents[1]
WRITTEN = (
    "<problem>How many?</problem><solution>\\boxed{3}</solution><program>\n```python\nprint(1 + 2)\n```\n</program>"
)
SUM = sparq.Problem(id="0.1.0", statement="What is 1 + 1?", answer="2", extra={"program": "print(1 + 1)"})


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    programs = Runner(0.5)
    yield programs
    programs.close()


def test_it_keeps_the_contract() -> None:
    sampler = ScriptedSampler({"another problem": [WRITTEN, "<problem>How many?</problem>", ""]})
    check_plugin(ProgramAnswers(ProgramAnswersConfig(seconds=0.5)), problems=[SUM] * 6, sampler=sampler)


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("print(1 + 2)", ("3", "")),
        ("from fractions import Fraction\nprint(Fraction(3, 6))", ("1/2", "")),
        ("x = 3", ("", "program prints nothing")),
        ("print(1)\nprint(2)", ("", "program prints more than an answer")),
        ("print('1' * 101)", ("", "program prints more than an answer")),
        ("print(1 / 0)", ("", "program: error")),
        ("print(open('/etc/passwd').read())", ("", "program: error")),
        ("import os\nos.kill(os.getppid(), 9)", ("", "program: forbidden")),
        ("while True: pass", ("", "program: timeout")),
        ("print(", ("", "program: error")),
    ],
)
def test_a_program_prints_an_answer_or_there_is_none(runner: Runner, program: str, printed: tuple[str, str]) -> None:
    assert runner.printed(program) == printed


def test_answers_are_compared_as_numbers() -> None:
    assert same("0.5", "1/2")
    assert same("1,000", "1000")
    assert same("x", "x")
    assert not same("3", "4")
    assert not same("1e999999999", "1e9999999999")
    assert not same("1/0", "0")


def test_tools_are_what_a_program_uses() -> None:
    assert tools_of("print(1)") == []
    assert tools_of("import math\nprint(math.comb(5, 2) % 7 for _ in [1])") == ["combinatorics", "loop", "modulo"]


def test_every_seed_has_the_answer_that_its_program_prints(runner: Runner) -> None:
    rows = [json.loads(line) for line in (ROOT / "seeds.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [runner.printed(row["program"]) for row in rows] == [(row["answer"], "") for row in rows]


@pytest.mark.parametrize(("disagreeing", "kept"), [("keep", {"null", "0.0", "1.0"}), ("reject", {"null", "1.0"})])
def test_the_whole_domain_runs(tmp_path: Path, disagreeing: str, kept: set[str]) -> None:
    for name in ("seeds.jsonl", "simulated.jsonl"):
        shutil.copy(ROOT / name, tmp_path)
    pipeline = yaml.safe_load((ROOT / "pipeline.yaml").read_text(encoding="utf-8"))
    entry = next(plugin for plugin in pipeline["plugins"] if plugin["use"] == "program-answers")
    entry["with"] = {"disagreeing": disagreeing}
    ran = run_pipeline(pipeline, tmp_path)
    assert ran.ending.reason == "done"
    assert ran.ending.tally.outcomes["kept"] > 0
    with ran.read() as ledger:
        agrees = {value for (value,) in ledger.query("SELECT value FROM descriptor WHERE key = 'agrees'")}
        reasons = {reason for (reason,) in ledger.query("SELECT DISTINCT rejected_why FROM problem")}
    assert agrees == kept
    assert "no program" in reasons
    assert ("disagrees with its program" in reasons) == (disagreeing == "reject")
