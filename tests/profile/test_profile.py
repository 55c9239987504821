"""`sparq profile`: any dataset in, the same rows out with what models made of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from commands import Command
from runs import rows, sparq_command

import sparq_core as sparq
from sparq_core.ledger.intervals import solve_rate_interval
from sparq_core.ledger.reader import Reader
from sparq_core.profile.plan import models_of
from sparq_core.profile.summary import fitted_prior, histogram, zero_variance
from sparq_core.reward import Reward
from sparq_core.testing import run_pipeline

ADDED = ["num_correct", "num_attempts", "num_unknown", "solve_rate", "solve_rate_low", "solve_rate_high", "outcome"]
DATA = [
    {
        "problem": f" What is {i + 5} + {3 * i + 7}? ",
        "answer": 4 * i + 12,
        "kind": ["even", "odd"][i % 2],
        "n": {"i": [i]},
    }
    for i in range(12)
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in DATA))
    return path


def profile(data: Path | str, out: Path, *arguments: str, code: int = 0) -> str:
    given = [str(data), "--model", "scripted:sums", "--attempts", "4", "--out", str(out), *arguments]
    return sparq_command("profile", *given, code=code)


def test_the_same_rows_come_out_with_what_was_measured(data: Path, tmp_path: Path) -> None:
    told = profile(data, tmp_path / "out", "--band", "1", "3", "--by", "kind")
    found = rows(tmp_path / "out" / "rows.jsonl")
    assert [{name: row[name] for name in DATA[0]} for row in found] == DATA
    assert [sorted(set(row) - set(DATA[0])) for row in found] == [sorted(ADDED)] * len(DATA)
    attempts = rows(tmp_path / "out" / "attempts.jsonl")
    for number, row in enumerate(found):
        verdicts = [a["verdict"] for a in attempts if a["row"] == number]
        assert (row["num_attempts"], row["num_correct"]) == (4, verdicts.count("correct"))
        interval = solve_rate_interval(sparq.Counts(row["num_correct"], 4 - row["num_correct"]))
        assert (row["solve_rate_low"], row["solve_rate_high"]) == (interval.low, interval.high)
        assert (row["outcome"] == "kept") == (1 <= row["num_correct"] <= 3)
    assert rows(tmp_path / "out" / "kept.jsonl") == [row for row in found if row["outcome"] == "kept"]
    assert {a["model"] for a in attempts} == {"sums"}
    kept = sum(row["outcome"] == "kept" for row in found)
    assert f"the kept rows ({kept}) in {tmp_path / 'out' / 'kept.jsonl'}" in told
    for part in (
        "12 rows",
        "48 attempts",
        "mean solve rate",
        "group size",
        "even",
        "fitted to all rows",
        "groups of more than 4,",
    ):
        assert part in told


def test_what_it_runs_is_the_pipeline_that_it_prints(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out", "--set", "attempts.temperature=0.5")
    printed = profile(data, tmp_path / "none", "--set", "attempts.temperature=0.5", "--print")
    assert not (tmp_path / "none").exists()
    plan = yaml.safe_load(printed)
    assert plan["attempts"] == {"k": 4, "seeds": True, "temperature": 0.5}
    ran = run_pipeline(plan, tmp_path / "by hand")
    with Reader.open(tmp_path / "out" / "sums") as ledger, ran.read() as by_hand:
        assert ledger.last_digest() == by_hand.last_digest() != ""


def test_several_models_have_columns_of_their_own(data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("{use: scripted, model: folder/it knows, with: {answers: {What: ['\\boxed{12}']}}}")
    told = json.loads(
        subprocess.run(
            [
                *(sys.executable, "-m", "sparq_core.cli", "profile", str(data), "--attempts", "4", "--json"),
                *("--model", "scripted:sums", "--model", str(other), "--out", str(tmp_path / "out")),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert list(told["models"]) == ["sums", "it-knows"]
    found = rows(tmp_path / "out" / "rows.jsonl")
    assert [row["num_correct_it-knows"] for row in found] == [4] + [0] * 11
    assert told["models"]["it-knows"]["histogram"]["0"] == 11
    assert rows(tmp_path / "out" / "kept.jsonl") == []
    assert (told["kept"], told["models"]["sums"]["outcomes"]["kept"] > 0) == (0, True)
    assert told["models"]["sums"]["attempts"] == sum(row["num_attempts_sums"] for row in found)
    assert {a["model"] for a in rows(tmp_path / "out" / "attempts.jsonl")} == {"sums", "it-knows"}


def test_a_second_model_joins_the_first(data: Path, tmp_path: Path) -> None:
    out, second = tmp_path / "out", ("--model", "{use: scripted, model: sums, with: {delay: 0}}")
    profile(data, out, "--band", "1", "3")
    first = rows(out / "rows.jsonl")
    attempts = (out / "sums" / "sparq.db").stat().st_mtime_ns
    told_of_both = profile(data, out, "--band", "1", "3", *second)
    both = rows(out / "rows.jsonl")
    assert [row["num_correct_sums"] for row in both] == [row["num_correct"] for row in first]
    assert all(row["num_attempts_sums-2"] == 4 for row in both)
    assert (out / "sums" / "sparq.db").stat().st_mtime_ns == attempts
    told = profile(data, out, "--band", "1", "3", code=2)
    assert "also holds the attempts of sums-2" in told
    inside = [row for row in both if row["outcome_sums"] == row["outcome_sums-2"] == "kept"]
    assert rows(out / "kept.jsonl") == inside
    assert f"the rows that every model keeps ({len(inside)}) in" in told_of_both
    assert rows(out / "rows.jsonl") == both


@pytest.mark.parametrize("kind", ["parquet", "folder"])
def test_parquet_and_datasets_are_read(data: Path, tmp_path: Path, kind: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "parquet"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(DATA), folder / "train.parquet")
    profile(folder / "train.parquet" if kind == "parquet" else folder, tmp_path / "out")
    found = rows(tmp_path / "out" / "rows.jsonl")
    assert [{name: row[name] for name in DATA[0]} for row in found] == DATA


def test_columns_are_named_by_options_of_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "gsm8k.jsonl"
    given = [{"question": "What is 1 + 1?", "answer": "One and one\n#### 2"}, {"question": " ", "answer": "#### 3"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    profile(path, tmp_path / "out", "--option", "problem=question", "--option", "extract_answer=true")
    found = rows(tmp_path / "out" / "rows.jsonl")
    assert [{name: row[name] for name in given[0]} for row in found] == given
    assert [row["outcome"] for row in found] == ["out-of-band", "rejected"]
    assert found[1]["num_attempts"] is None


def test_rows_without_an_answer_are_told_before_they_are_attempted(tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    given = [{**DATA[0], "answer": answer} for answer in (12, None, " ")] + [{"problem": " ", "answer": None}]
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    command = [*(sys.executable, "-m", "sparq_core.cli", "profile", str(path)), *("--model", "scripted:sums")]
    where = ["--attempts", "4", "--out", str(tmp_path / "out")]
    both = subprocess.run([*command, *where], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    assert both.stdout.index("2 of 4 rows have no answer") < both.stdout.index("the pipeline of sums")
    found = rows(tmp_path / "out" / "rows.jsonl")
    assert [row["num_unknown"] for row in found] == [0, 4, 4, None]
    assert [row["outcome"] for row in found[1:]] == ["unresolved", "unresolved", "rejected"]
    assert "no answer" not in profile(path, tmp_path / "first", "--option", "limit=1")


def test_a_budget_ends_it_with_the_rows_that_were_reached(tmp_path: Path) -> None:
    data = tmp_path / "many.jsonl"
    data.write_text("".join(json.dumps({"problem": f"What is {i} + 1?", "answer": i + 1}) + "\n" for i in range(600)))
    budget = ("--set", "budget.attempts=500", "--set", "in_flight=1")
    assert "256 rows" in profile(data, tmp_path / "out", "--attempts", "2", *budget, code=3)
    assert len(rows(tmp_path / "out" / "rows.jsonl")) == 256
    profile(data, tmp_path / "out", "--attempts", "2")
    profile(data, tmp_path / "whole", "--attempts", "2")
    assert (tmp_path / "out" / "rows.jsonl").read_bytes() == (tmp_path / "whole" / "rows.jsonl").read_bytes()


def test_a_budget_of_tokens_stops_as_any_run_does(tmp_path: Path) -> None:
    """Nothing is proposed here, and a step of seeds is larger than any other: neither is taken for asking without end."""
    data = tmp_path / "many.jsonl"
    data.write_text("".join(json.dumps({"problem": f"What is {i} + 1?", "answer": i + 1}) + "\n" for i in range(600)))
    tight = ("--set", "attempts.max_tokens=5", "--set", "budget.tokens=1000")
    assert "budget.tokens reached" in profile(data, tmp_path / "out", *tight, code=3)


def test_an_interrupted_profile_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "many.jsonl"
    data.write_text("".join(json.dumps({"problem": f"What is {i} + 1?", "answer": i + 1}) + "\n" for i in range(1200)))
    given = ["profile", str(data), "--attempts", "2", "--set", "in_flight=1"]
    slow = ["--model", "{use: scripted, model: sums, with: {delay: 0.3}}", "--out", str(tmp_path / "out")]
    command = Command(tmp_path, *given, *slow)
    command.told("] seeds")
    command.send(2)
    assert command.end() == 4, command.printed
    assert "Interrupted. To continue, run: sparq profile" in command.printed
    assert not (tmp_path / "out" / "rows.jsonl").exists()
    sparq_command(*given, *slow)
    sparq_command(*given, *slow[:3], str(tmp_path / "whole"))
    assert (tmp_path / "out" / "rows.jsonl").read_bytes() == (tmp_path / "whole" / "rows.jsonl").read_bytes()


def test_without_a_band_a_tenth_to_nine_tenths_are_kept(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out", "--attempts", "12")
    for row in rows(tmp_path / "out" / "rows.jsonl"):
        assert (row["outcome"] == "kept") == (2 <= row["num_correct"] <= 10)


def test_one_attempt_has_a_band_if_it_is_given(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out", "--attempts", "1", "--band", "1", "1")
    solved = [row["num_correct"] == 1 for row in rows(tmp_path / "out" / "rows.jsonl")]
    assert len(rows(tmp_path / "out" / "kept.jsonl")) == sum(solved)


def test_another_band_is_applied_to_what_was_measured(data: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    profile(data, out, "--band", "1", "3")
    told = [profile(data, out, "--band", "2", "2") for _ in range(2)]
    assert all("its attempts, as grading 2" in each for each in told)
    profile(data, other, "--band", "2", "2")
    for table in ("rows.jsonl", "attempts.jsonl", "kept.jsonl"):
        assert (out / table).read_bytes() == (other / table).read_bytes()
    assert "does not fit attempts.k = 4" in profile(data, out, "--band", "2", "9", code=2)
    profile(data, out, "--band", "1", "3")
    assert {row["outcome"] for row in rows(out / "rows.jsonl") if row["num_correct"] == 3} == {"kept"}


def test_another_band_continues_an_unfinished_profile(tmp_path: Path) -> None:
    data = tmp_path / "many.jsonl"
    data.write_text("".join(json.dumps({"problem": f"What is {i} + 1?", "answer": i + 1}) + "\n" for i in range(300)))
    profile(data, tmp_path / "out", "--band", "1", "3", "--set", "budget.attempts=1", "--set", "in_flight=1", code=3)
    profile(data, tmp_path / "out", "--band", "2", "3", "--set", "budget.attempts=1", "--set", "in_flight=1", code=3)
    profile(data, tmp_path / "out", "--band", "2", "3")
    profile(data, tmp_path / "whole", "--band", "2", "3")
    for table in ("rows.jsonl", "kept.jsonl"):
        assert (tmp_path / "out" / table).read_bytes() == (tmp_path / "whole" / table).read_bytes()


def test_a_band_that_decided_how_often_rows_were_attempted_stays(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out", "--policy", "bayes", "--band", "1", "3")
    told = profile(data, tmp_path / "out", "--policy", "bayes", "--band", "2", "3", code=2)
    assert "contains another run" in told
    assert "choose another --out" in told
    assert "--accept-changes" not in told


def test_policies_stop_early_and_say_so(data: Path, tmp_path: Path) -> None:
    early = ("--attempts", "16", "--policy", "bayes", "--set", "plugins.bayes.with={complete: false, worth: 5}")
    profile(data, tmp_path / "out", "--band", "2", "14", *early)
    drawn = [row["num_attempts"] for row in rows(tmp_path / "out" / "rows.jsonl")]
    assert 0 < sum(drawn) < 16 * len(DATA)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.jsonl"], "there is no file nothing.jsonl"),
        (["DATA", "--model", "hf"], "write it as PLUGIN:MODEL"),
        (["DATA", "--model", "{use"], "--model"),
        (["DATA", "--model", "skills:x"], "is not a sampler"),
        (["DATA", "--model", "scripted:x", "--option", "problem=question"], "has no column 'question'"),
        (["DATA", "--model", "scripted:x", "--policy", "bayse"], "did you mean 'bayes'"),
        (["DATA", "--model", "scripted:x", "--band", "9", "20"], "does not fit attempts.k = 16"),
        (["DATA", "--model", "scripted:x", "--set", "attempts.kk=3"], "kk"),
        (["DATA", "--model", "scripted:x", "--by", "kindd"], "no column 'kindd'; did you mean 'kind'? (known: answer,"),
        (["DATA", "--model", "scripted:x", "--attempts", "1"], "use --attempts 2 or more, or give --band"),
        (["TAKEN", "--model", "scripted:x"], "row 2: the data already has a column 'solve_rate'; rename the added"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(
    data: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    taken = tmp_path / "taken.jsonl"
    taken.write_text("".join(json.dumps(row) + "\n" for row in (DATA[0], {**DATA[1], "solve_rate": 0.5})))
    places = {"DATA": str(data), "TAKEN": str(taken)}
    given = [places.get(argument, argument) for argument in arguments]
    given += [] if "--model" in given else ["--model", "scripted:x"]
    assert told in sparq_command("profile", *given, "--out", str(tmp_path / "out"), code=2)
    assert not (tmp_path / "out").exists()


def test_commands_that_read_a_run_are_sent_to_the_models_folder(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out")
    run = tmp_path / "out" / "sums"
    for command in ("status", "export"):
        assert f"its runs are in {run}" in sparq_command(command, str(tmp_path / "out"), code=2)
    with pytest.raises(sparq.PipelineError, match="its runs are in"):
        Reward(tmp_path / "out")
    assert "seeds that match: 12; --round 0 lists them" in sparq_command("show", str(run))
    assert "12 problems" in sparq_command("show", str(run), "--round", "0")
    assert "seeds" not in sparq_command("show", str(run), "--text", "nothing of the kind")


def test_columns_of_an_earlier_profile_stay_with_a_prefix(data: Path, tmp_path: Path) -> None:
    profile(data, tmp_path / "out")
    profile(tmp_path / "out" / "rows.jsonl", tmp_path / "again", "--prefix", "after_")
    found = rows(tmp_path / "again" / "rows.jsonl")
    assert all(row["after_num_attempts"] == row["num_attempts"] == 4 for row in found)


def test_nothing_of_another_is_replaced(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "rows.jsonl").write_text('{"mine": 1}\n')
    assert "is not an earlier output" in profile(data, out, code=2)
    assert sorted(path.name for path in out.iterdir()) == ["rows.jsonl"]
    profile(data, tmp_path / "other")
    assert "contains another run" in profile(data, tmp_path / "other", "--seed", "7", code=2)


def test_a_pipeline_of_no_rounds_has_no_step_to_preview(data: Path, tmp_path: Path) -> None:
    plan = profile(data, tmp_path / "none", "--print")
    (tmp_path / "plan.yaml").write_text(plan)
    assert "no rounds, so nothing is generated" in sparq_command("check", str(tmp_path / "plan.yaml"))
    assert "there is no step to show" in sparq_command("preview", str(tmp_path / "plan.yaml"), code=2)
    (tmp_path / "plan.yaml").write_text(plan.replace("rounds: 0", "rounds: 1"))
    assert "none of them implements 'select'" in sparq_command("check", str(tmp_path / "plan.yaml"), code=2)


def test_models_are_named_for_folders_and_columns() -> None:
    given = ["hf:org/Qwen2.5-0.5B", "openai:gpt-5", "hf:other/Qwen2.5-0.5B", "hf:../..", "hf:a b/ü"]
    assert list(models_of(given)) == ["Qwen2.5-0.5B", "gpt-5", "Qwen2.5-0.5B-2", "model", "model-2"]


# What it adds up to


def test_rates_are_counted_by_tenths() -> None:
    found = histogram([0.0, 0.05, 0.1, 0.11, 0.3, 0.95, 1.0, 1.0])
    assert {name: n for name, n in found.items() if n} == {
        "0": 1,
        "(0, 0.1]": 2,
        "(0.1, 0.2]": 1,
        "(0.2, 0.3]": 1,
        "(0.9, 1)": 1,
        "1": 2,
    }


def test_the_share_of_groups_without_variance_is_exact() -> None:
    """Under a uniform prior and one row of 3 right of 4, p^2 + (1 - p)^2 has the mean of a Beta(4, 2) by its moments."""
    share = zero_variance({sparq.Counts(3, 1): 5}, (1.0, 1.0), 2)
    assert share == pytest.approx(4 * 5 / (6 * 7) + 2 * 3 / (6 * 7))


def test_a_prior_that_is_fitted_tells_how_many_groups_come_out_alike() -> None:
    rng = Random(3)
    rates = [rng.betavariate(0.3, 0.6) for _ in range(20_000)]
    counts: dict[sparq.Counts, int] = {}
    for rate in rates:
        right = sum(rng.random() < rate for _ in range(8))
        counts[sparq.Counts(right, 8 - right)] = counts.get(sparq.Counts(right, 8 - right), 0) + 1
    a, b = fitted_prior(counts)
    assert a == pytest.approx(0.3, rel=0.1)
    assert b == pytest.approx(0.6, rel=0.1)
    for size in (4, 64):
        true = sum(rate**size + (1 - rate) ** size for rate in rates) / len(rates)
        assert zero_variance(counts, (a, b), size) == pytest.approx(true, abs=0.01)


@pytest.mark.parametrize("counts", [{}, {sparq.Counts(4, 0): 3}, {sparq.Counts(0, 4): 3}, {sparq.Counts(2, 2): 9}])
def test_a_prior_is_found_whatever_the_rows(counts: dict[sparq.Counts, int]) -> None:
    assert all(0 < part <= 100 for part in fitted_prior(counts))


def test_the_fuse_of_a_run_of_seeds_alone_still_goes(sums: Callable[..., Any], tmp_path: Path) -> None:
    """A budget of a run whose seeds are attempted ends it, in place of an error about asking without end."""
    plan = sums(rounds=0, attempts={"k": 8, "seeds": True, "max_tokens": 5}, budget={"tokens": 50})
    assert run_pipeline(plan, tmp_path).ending.reason.startswith("budget.tokens reached")
