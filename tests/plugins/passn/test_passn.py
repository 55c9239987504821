"""pass@n: drawn from the run's own sampler, judged by its verifiers, estimated without bias."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from runs import digest, sparq_command

import sparq_core as sparq
from sparq_core.testing import Ran, run_pipeline
from sparq_passn import PassAtN, PassAtNConfig
from sparq_passn.estimate import curve, intervals, recorded
from sparq_passn.items import Source, read

N = 16
Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_estimate_is_the_share_of_draws_that_hold_a_right_answer(n: int) -> None:
    for correct in range(n + 1):
        answers = [1] * correct + [0] * (n - correct)
        shares = [fmean(map(max, combinations(answers, k))) for k in range(1, n + 1)]
        assert curve(n, correct) == pytest.approx(shares)


@pytest.mark.parametrize(("n", "ks"), [(1, [1]), (2, [1, 2]), (16, [1, 4, 16]), (96, [1, 4, 16, 64, 96])])
def test_powers_of_four_are_recorded(n: int, ks: list[int]) -> None:
    assert recorded(n) == ks


def test_intervals_cover_what_items_and_draws_vary_by() -> None:
    """Thirty items, their rates from a U-shape of a known mean, sixteen answers to each."""
    rng, rates = np.random.default_rng(0), (0.3, 1.0)
    curves = np.array([curve(N, c) for c in range(N + 1)])
    true = [fmean(1 - (1 - rng.beta(*rates, 200_000)) ** k) for k in range(1, N + 1)]
    covered = np.zeros(N)
    for _ in range(300):
        found = intervals(curves[rng.binomial(N, rng.beta(*rates, 30))].tolist())
        covered += [one.low <= mean <= one.high for one, mean in zip(found, true, strict=True)]
    assert all(0.9 <= share <= 0.98 for share in covered / 300)


FAKES = """
import json
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler


class Student:
    trainable = True

    @sparq.hookimpl
    def sampler(self, model):
        return Watched(model.path)


class Watched(ScriptedSampler):
    def __init__(self, path):
        super().__init__(None if path == "sums" else {"": ["\\\\boxed{7}"]})
        self.path = path

    def sample(self, requests):
        answers = super().sample(requests)
        asked = [(r.seed, r.n, r.sampling.temperature) for r in requests if r.n == 16]
        self.tell("asked", asked) if asked else None
        return answers

    def close(self):
        self.tell("closed")

    def tell(self, *told):
        with open(__file__ + ".log", "a") as log:
            log.write(json.dumps([self.path, *told]) + "\\n")


class Trainer:
    @sparq.hookimpl
    def train(self, out):
        (out / "config.json").write_text("{}")
"""


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Four sums; the larger, the more often the scripted model slips."""
    path = tmp_path / "aime.jsonl"
    rows = [{"question": f"What is {30 * i + 3} + {20 * i + 4}?", "answer": 50 * i + 7} for i in range(4)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def measured(sums: Make, items: Path, tmp_path: Path) -> Make:
    """A pipeline that draws 16 answers an item, before and after training; keyword arguments are options of pass-at-n."""
    (tmp_path / "fakes.py").write_text(FAKES)

    def make(**options: Any) -> dict[str, Any]:
        pipeline = sums(steps=1, models={"student": {"use": "./fakes.py:Student", "model": "sums"}})
        benchmark = {"use": "pass-at-n", "with": {"path": str(items), "n": N, **options}}
        pipeline["plugins"] += [{"use": "./fakes.py:Trainer"}, benchmark]
        return pipeline

    return make


def scores(ran: Ran, round_: int) -> dict[tuple[str, str], float]:
    with ran.read() as ledger:
        return {(score.task, score.item): score.value for score in ledger.scores(round_)}


def logs(ran: Ran, round_: int) -> Path:
    return ran.folder / "logs" / f"benchmark-{round_}-pass-at-n"


def test_hook_benchmark_asks_the_model_and_the_runs_verifiers(measured: Make, tmp_path: Path) -> None:
    ran = run_pipeline(measured(temperature=0.5), tmp_path)
    told = [json.loads(line) for line in (tmp_path / "fakes.py.log").read_text().splitlines()]
    trained = str(ran.folder / "models" / "round-1")
    (_, _, asked), freed, *_, generated, again, freed_again = told
    assert [freed, generated, freed_again] == [["sums", "closed"], ["sums", "closed"], [trained, "closed"]]
    assert again == [trained, "asked", asked], "both models are asked with the same seeds"
    assert len({seed for seed, _, _ in asked}) == 4
    assert {temperature for _, _, temperature in asked} == {0.5}
    assert ran.ending.tally.attempts == sum(ran.ending.tally.verdicts.values())
    assert [scores(ran, 1)["aime pass@1", str(item)] for item in (1, 2, 3, 4)] == [1.0, 0.0, 0.0, 0.0]


def test_every_pass_at_k_follows_from_the_ledger(measured: Make, tmp_path: Path) -> None:
    ran = run_pipeline(measured(), tmp_path)
    found = scores(ran, 0)
    assert {task for task, _ in found} == {"aime pass@1", "aime pass@4", "aime pass@16", "aime decided"}
    curves = [curve(N, round(N * found["aime pass@1", str(item)])) for item in (1, 2, 3, 4)]
    summary = json.loads((logs(ran, 0) / "pass.json").read_text())
    assert [fmean(values) for values in zip(*curves, strict=True)] == pytest.approx(
        [p["mean"] for p in summary["pass"]]
    )
    assert [p["k"] for p in summary["pass"]] == list(range(1, N + 1))
    assert all(p["low"] <= p["mean"] <= p["high"] for p in summary["pass"])
    assert found["aime pass@4", "4"] == curves[3][3]
    lines = [json.loads(line) for line in (logs(ran, 0) / "answers.jsonl").read_text().splitlines()]
    right = [sum(answer["value"] == "correct" for answer in line["answers"]) / N for line in lines]
    assert right == [found["aime pass@1", line["item"]] for line in lines]
    assert summary["answers"]["correct"] == N * sum(right)


def test_status_shows_before_and_after(measured: Make, tmp_path: Path) -> None:
    ran = run_pipeline(measured(at=[2]), tmp_path)
    shown = json.loads(sparq_command("status", str(ran.folder), "--json"))["benchmarks"]
    assert [row["task"] for row in shown] == ["aime decided", "aime pass@1", "aime pass@2", "aime pass@16"]
    row = shown[1]
    assert row["items"] == 4
    assert row["after"]["mean"] == 0.25
    assert row["before"]["low"] < row["before"]["mean"] < row["before"]["high"]
    assert row["difference"]["mean"] == pytest.approx(0.25 - row["before"]["mean"])
    assert "aime pass@16" in sparq_command("status", str(ran.folder))


def test_a_rerun_gives_the_same_and_the_steps_are_as_without(measured: Make, tmp_path: Path) -> None:
    ran = run_pipeline(measured(), tmp_path)
    without = measured()
    del without["plugins"][-1]
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "fakes.py").write_text(FAKES)
    again = run_pipeline(measured(), tmp_path / "again")
    assert scores(again, 0) == scores(ran, 0)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "fakes.py").write_text(FAKES)
    assert digest(run_pipeline(without, tmp_path / "without")) == digest(ran)


def test_an_unknown_verdict_is_not_solved_and_is_shown(measured: Make, tmp_path: Path) -> None:
    """At two tokens every answer is cut short."""
    ran = run_pipeline(measured(max_tokens=2), tmp_path)
    found = scores(ran, 0)
    assert {value for (task, _), value in found.items() if task == "aime decided"} == {0.0}
    assert {value for (task, _), value in found.items() if task != "aime decided"} == {0.0}
    assert json.loads((logs(ran, 0) / "pass.json").read_text())["answers"] == {
        "correct": 0,
        "incorrect": 0,
        "unknown": 64,
    }


def test_what_is_benchmarked_is_kept_out(items: Path) -> None:
    texts = list(PassAtN(PassAtNConfig(path=str(items), n=1)).benchmark_texts())
    assert texts[0] == sparq.BenchmarkText(task="aime", text="What is 3 + 4?")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 4, "at": [2, 8]}, r"plugins\[8\].with: at: pass@8 takes 8 answers to an item, n is 4"),
        ({"temperature": 0}, r"plugins\[8\].with.temperature: at temperature 0 all 16 answers"),
        ({"problem": "text"}, r"aime.jsonl, line 1: has no column text; it has question, answer. Name .* `problem:`"),
        ({"answer": "gold"}, r"aime.jsonl, line 1: has no column gold; .* `answer:`"),
        ({"extract_answer": True}, r"aime.jsonl, line 1: there is no answer in 7"),
    ],
)
def test_mistakes_are_found_before_the_run(
    measured: Make, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(sparq.PipelineError, match=message):
        run_pipeline(measured(**options), tmp_path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "has no items"),
        ("{", "line 1: is not JSON"),
        ("[]", "line 1: is a list"),
        ('{"problem": "", "answer": 1}', "line 1: its statement is ''"),
        ('{"problem": "?", "answer": null}', "line 1: there is no answer in None"),
    ],
)
def test_items_that_cannot_be_read_are_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "odd.jsonl").write_text(line + "\n")
    with pytest.raises(sparq.PipelineError, match=message):
        read(Source(path=str(tmp_path / "odd.jsonl")))


def test_answers_may_stand_in_solutions(tmp_path: Path) -> None:
    row = {"problem": "1 + 1?", "answer": "One and one\n#### 2"}
    (tmp_path / "gsm8k.jsonl").write_text(2 * (json.dumps(row) + "\n"))
    (item,) = read(Source(path=str(tmp_path / "gsm8k.jsonl"), extract_answer=True, limit=1))
    assert item.problem.answer == "2"


def test_other_columns_are_an_items_extra(tmp_path: Path) -> None:
    """So a domain's verifier finds its own data, as it does in seeds."""
    (tmp_path / "held.jsonl").write_text('{"question": "Which?", "answer": "SELECT 1", "schema": "shop", "n": [1]}\n')
    (item,) = read(Source(path=str(tmp_path / "held.jsonl")))
    assert item.problem.extra == {"schema": "shop", "n": [1]}
