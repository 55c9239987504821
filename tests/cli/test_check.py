"""What `sparq check` says a pipeline samples at most, and that `preview` shows whole statements."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from runs import priced

from sparq_core.cli import cli
from sparq_core.testing import run_pipeline


def told(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, list(arguments), env={"COLUMNS": "140"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def pipeline(sums: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    def write(**settings: Any) -> str:
        path = tmp_path / "pipeline.yaml"
        path.write_text(yaml.safe_dump(sums(**settings)))
        return str(path)

    return write


def test_no_run_takes_more_than_the_estimate(sums: Callable[..., Any], tmp_path: Path) -> None:
    settings = sums(models=priced(input=0.0, output=2.0), steps=4)
    tally = run_pipeline(settings, tmp_path).ending.tally
    most = json.loads(told("check", str(tmp_path / "pipeline.yaml"), "--json"))["at_most"]
    assert most["attempts"] == 4 * 6 * 8 >= tally.attempts
    assert most["attempt_tokens"] == most["attempts"] * 1024
    assert most["other_tokens"] == 4 * 6 * (1024 + 128)
    assert most["tokens"] >= tally.tokens
    assert most["cost"] == pytest.approx(most["tokens"] * 2 / 1e6)


def test_the_estimate_is_told_with_money_and_time(pipeline: Callable[..., str]) -> None:
    said = told("check", pipeline(models=priced(input=1.0, output=2.0), steps=4))
    assert "At most 224,256 sampled tokens at a cost of 0.45" in said
    assert "take 3m 44s" in said
    assert "money" not in told("check", pipeline(steps=4))


def test_the_budget_that_ends_it_before_is_told(pipeline: Callable[..., str]) -> None:
    said = told("check", pipeline(steps=4, budget={"tokens": 1000}))
    assert "The run ends earlier: budget.tokens reached" in said


def test_attempts_at_seeds_count(pipeline: Callable[..., str]) -> None:
    most = json.loads(told("check", pipeline(steps=1, attempts={"k": 4, "seeds": True}), "--json"))["at_most"]
    assert most["attempts"] == 4 * 6 + 4 * 40


def test_who_samples_without_a_limit_is_named(pipeline: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "freely.py").write_text(
        "import sparq_core as sparq\nclass Freely:\n    @sparq.hookimpl\n    def describe(self, cases, llm):\n"
        "        return [{} for _ in cases]\n"
    )
    path = pipeline(steps=1)
    assert "Not included" not in told("check", path)
    settings = yaml.safe_load(Path(path).read_text())
    settings["plugins"].append({"use": "./freely.py:Freely"})
    Path(path).write_text(yaml.safe_dump(settings))
    assert "Not included: what ./freely.py:Freely may sample, having no option `max_tokens`." in " ".join(
        told("check", path).split()
    )
    assert json.loads(told("check", path, "--json"))["at_most"]["uncounted"] == ["./freely.py:Freely"]


def test_findings_are_data_too(pipeline: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import sparq_core as sparq\nclass Broken:\n    @sparq.hookimpl\n    def check(self):\n"
        "        return [sparq.Finding(level='error', place='here', message='no good')]\n"
    )
    path = pipeline(steps=1)
    settings = yaml.safe_load(Path(path).read_text())
    settings["plugins"].append({"use": "./broken.py:Broken"})
    Path(path).write_text(yaml.safe_dump(settings))
    found = json.loads(told("check", path, "--json", code=2))
    assert [f["message"] for f in found["findings"] if f["level"] == "error"] == ["no good"]
    assert found["at_most"] is None


def test_a_preview_shows_statements_whole(sums: Callable[..., Any], tmp_path: Path) -> None:
    long = "word " * 100 + "end"
    answers = {"Write a novel": [f"<problem>{long}</problem><solution>\\boxed{{1}}</solution>"]}
    models = {"student": {"use": "scripted", "model": "sums", "with": {"answers": answers}}}
    (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(sums(models=models, steps=1, batch=2)))
    said = " ".join(told("preview", str(tmp_path / "pipeline.yaml")).split())
    after = said[said.index("children =") :]
    assert after.count(long) == 2
