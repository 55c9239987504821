"""Answer checks as the loop meets them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import sparq_command

import sparq_core as sparq
from sparq_core.testing import Ran, run_pipeline
from sparq_sympy import Sympy, SympyConfig

ROLLOUTS = Path(__file__).parents[4] / "shared" / "data" / "gsm8k_rollouts.jsonl.gz"


@pytest.fixture(scope="module")
def checker() -> Iterator[Sympy]:
    plugin = Sympy(SympyConfig(workers=2, deadline=3.0))
    yield plugin
    plugin.stop()


def verdict(checker: Sympy, reference: str | None, text: str, finish: sparq.Finish = "stop") -> sparq.Verdict | None:
    problem = sparq.Problem(id="1.1.0", statement="?", answer=reference)
    attempt = sparq.Attempt(k=0, seed=0, text=text, finish=finish, tokens=1)
    (answer,) = checker.verify([sparq.Trial(problem, attempt)])
    return answer


def value(checker: Sympy, reference: str, answer: str) -> str:
    said = verdict(checker, reference, f"\\boxed{{{answer}}}")
    assert said is not None
    return said.value


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("42", "42"),
        ("42", "42.0"),
        ("1,234", "1234"),
        ("0.5", r"\frac{1}{2}"),
        ("-3", "−3"),
        ("18", r"\$18"),
        (r"\frac{2}{4}", "1/2"),
        ("x^2+2x+1", "(x+1)^2"),
        (r"2\sqrt{3}", r"\sqrt{12}"),
        (r"\{1,2\}", r"\{2,1\}"),
    ],
)
def test_equal_answers_are_correct(checker: Sympy, reference: str, answer: str) -> None:
    assert value(checker, reference, answer) == "correct"


@pytest.mark.parametrize(
    ("reference", "answer"), [("42", "43"), ("0.5", "0.51"), ("x+1", "x-1"), ("(1,2)", "(2,1)"), ("12", "1.2")]
)
def test_different_answers_are_incorrect(checker: Sympy, reference: str, answer: str) -> None:
    assert value(checker, reference, answer) == "incorrect"


def test_no_answer_is_incorrect_where_the_model_ended_by_itself(checker: Sympy) -> None:
    assert verdict(checker, "1", "I give up.") == sparq.Verdict(value="incorrect", reason="no-answer")


def test_a_truncated_attempt_is_unknown(checker: Sympy) -> None:
    assert verdict(checker, "1", "First we", "length") == sparq.Verdict(value="unknown", reason="truncated")


def test_a_truncated_attempt_is_wrong_where_that_is_asked_for() -> None:
    checker = Sympy(SympyConfig(truncated="incorrect"))
    assert verdict(checker, "1", "First we", "length") == sparq.Verdict(value="incorrect", reason="truncated")
    assert verdict(checker, "1", "So \\boxed{1}. Next", "length") == verdict(checker, "1", "\\boxed{1}")
    assert verdict(checker, "1", "", "too-long") == sparq.Verdict(value="unknown", reason="too-long")
    checker.stop()


CUT = {
    "Please reason": ["\\boxed{2}", "\\boxed{2}", "\\boxed{3}", "first we begin and then we never come to an end"],
    "inspired by": ["<problem>What is 1 + 1?</problem><solution>\\boxed{2}</solution>"],
    "List at most": ["<skills>addition</skills>"],
}


def cut_short(sums: Any, folder: Path, **options: str) -> Ran:
    """A run of whose attempts a quarter is cut."""
    models = {"student": {"use": "scripted", "model": "cut", "with": {"answers": CUT}}}
    pipeline = sums(steps=4, models=models, attempts={"k": 16, "max_tokens": 5, "min_decided": 0.9}, admit=False)
    pipeline["plugins"][3] = {"use": "sympy", "with": options}
    return run_pipeline(pipeline, folder)


def rates(folder: Path, grading: int) -> dict[str, tuple[str, float | None]]:
    with sparq.Reader.open(folder, grading) as ledger:
        children = [solved.child for solved in ledger.solved([1], outcome=None)]
        return {child.problem.id: (child.outcome, child.solve_rate) for child in children}


def test_the_papers_solve_rate_is_a_share_of_all_attempts(sums: Any, tmp_path: Path) -> None:
    ours = cut_short(sums, tmp_path / "ours").folder
    papers = cut_short(sums, tmp_path / "papers", truncated="incorrect").folder
    with sparq.Reader.open(papers) as ledger:
        for child in (solved.child for solved in ledger.solved([1], outcome=None)):
            assert child.counts.unknown == 0
            assert child.solve_rate == child.counts.correct / 16
    assert "kept" in {outcome for outcome, _ in rates(papers, 1).values()}
    assert rates(ours, 1) != rates(papers, 1)
    told = sparq_command("regrade", str(ours), "--set", "plugins.sympy.with.truncated=incorrect")
    assert "unknown → incorrect" in told
    assert "unresolved → kept" in told
    assert rates(ours, 2) == rates(papers, 1)


def test_a_prompt_that_did_not_fit_is_unknown(checker: Sympy) -> None:
    assert verdict(checker, "1", "", "too-long") == sparq.Verdict(value="unknown", reason="too-long")


def test_without_a_reference_another_verifier_is_asked(checker: Sympy) -> None:
    assert verdict(checker, None, "\\boxed{1}") is None


@pytest.mark.parametrize("answer", ["9^{9^{9^9}}", "(x+1)^{1000000}", "(" * 5000, "1" * 3000])
def test_hostile_answers_are_never_correct_and_end(answer: str) -> None:
    checker = Sympy(SympyConfig(workers=1, deadline=1.0))
    try:
        assert value(checker, "x", answer) != "correct"
        assert value(checker, "x", "x") == "correct"
    finally:
        checker.stop()


@pytest.mark.skipif(not ROLLOUTS.exists(), reason="the shared data is not here")
@pytest.mark.timeout(300)
def test_agrees_with_the_labels_of_real_solutions(checker: Sympy) -> None:
    rows = [json.loads(line) for line in gzip.decompress(ROLLOUTS.read_bytes()).splitlines()]
    trials, labels = [], []
    for row in rows:
        problem = sparq.Problem(id="1.1.0", statement=row["problem"], answer=row["answer"])
        for text, label in zip(row["rollouts"], row["correct"], strict=True):
            trials.append(sparq.Trial(problem, sparq.Attempt(k=0, seed=0, text=text, finish="stop", tokens=1)))
            labels.append(label)
    verdicts = checker.verify(trials)
    agreed = sum((v is not None and v.value == "correct") == label for v, label in zip(verdicts, labels, strict=True))
    assert len(trials) == 14_509
    assert agreed / len(trials) >= 0.99
