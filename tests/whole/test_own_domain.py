"""A domain of a stranger's own, in one file: descriptors that are plain texts and numbers, and its parts used apart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import sparq_command

import sparq_core as sparq
from sparq_core.testing import Ran, check_plugin, run_pipeline

DOMAIN = '''
import sparq_core as sparq


class Kinds:
    """Seeds of its own, a verifier, and a kind and a length for every problem."""

    describes = ("kind", "length")

    @sparq.hookimpl
    def load_seeds(self):
        return [sparq.Draft(statement=f"What is 1 + {i}?", answer=str(i + 1)) for i in range(3)]

    @sparq.hookimpl
    def verify(self, trials):
        return [
            sparq.Verdict(value="correct" if trial.problem.answer in trial.attempt.text else "incorrect", reason="said")
            for trial in trials
        ]

    @sparq.hookimpl
    def describe(self, cases):
        return [{"kind": "even" if len(c.problem.statement) % 2 else "odd", "length": 1.5} for c in cases]
'''


@pytest.fixture
def ran(sums: Callable[..., Any], tmp_path: Path) -> Ran:
    (tmp_path / "kinds.py").write_text(DOMAIN)
    pipeline = sums(select="map-elites", steps=3)
    pipeline["plugins"] = [entry for entry in pipeline["plugins"] if entry["use"] != "skills"]
    pipeline["plugins"][1]["with"] = {"niches": {"kind": {}, "length": {"bins": 3, "low": 0, "high": 3}}}
    pipeline["plugins"].append({"use": "./kinds.py:Kinds", "without": ["load_seeds", "verify"]})
    return run_pipeline(pipeline, tmp_path)


def test_a_hook_that_a_plugin_is_to_be_without_is_not_asked(ran: Ran) -> None:
    with ran.read() as ledger:
        assert ledger.tally().seeds == 40
        (plugins,) = {tuple(row) for row in ledger.query("SELECT DISTINCT plugin FROM verdict")}
    assert plugins == ("sympy",)


def test_what_a_plugin_is_without_is_part_of_the_run(ran: Ran, sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    told = sparq_command(
        "run",
        str(pipeline),
        "--out",
        str(ran.folder),
        "--resume",
        "--set",
        "plugins.Kinds.without=[load_seeds]",
        code=2,
    )
    assert "without" in told
    told = sparq_command("check", str(pipeline), "--set", "plugins.Kinds.without=[asess]", code=2)
    assert "'asess'; known: describe, load_seeds, verify" in told


def test_a_text_is_a_label_wherever_labels_are_told(ran: Ran) -> None:
    listed = " ".join(sparq_command("show", str(ran.folder), "--outcome", "kept", "--limit", "1").split())
    assert "length=1.5" in listed
    assert "even" in listed or "odd" in listed
    sparq_command("report", str(ran.folder))
    page = (ran.folder / "report.html").read_text()
    assert "No child has a label" not in page
    with ran.read() as ledger:
        assert ledger.descriptors() == {"kind": True, "length": False}


def test_rebin_begins_with_the_runs_own_niches(ran: Ran) -> None:
    status = json.loads(sparq_command("status", str(ran.folder), "--json"))
    (row,) = json.loads(sparq_command("rebin", str(ran.folder), "--json"))
    assert row["metrics"]["filled_niches"] == status["metrics"]["filled_niches"] == 2


def test_children_are_listed_in_the_order_they_were_made(ran: Ran) -> None:
    with ran.read() as ledger:
        parent, _ = next(ledger.query("SELECT parent, count(*) FROM parentage GROUP BY parent ORDER BY 2 DESC"))
    told = sparq_command("show", str(ran.folder), parent)
    children = told.partition("children: ")[2].replace("\n", " ").split(", ")
    numbers = [tuple(map(int, child.split()[0].split("."))) for child in children]
    assert numbers == sorted(numbers)


def test_a_profile_has_the_rows_of_its_data_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kinds.py").write_text(DOMAIN)
    (tmp_path / "data.jsonl").write_text('{"problem": "What is 12 + 7?", "answer": "19"}\n')
    sparq_command(
        "profile", "data.jsonl", "--model", "scripted:sums", "--attempts", "2", "--verify", "./kinds.py:Kinds"
    )
    rows = (tmp_path / "runs" / "profile-data" / "rows.jsonl").read_text().splitlines()
    assert [json.loads(row)["problem"] for row in rows] == ["What is 12 + 7?"]


class Promises:
    """Describes less than it says."""

    describes = ("kind", "size")

    @sparq.hookimpl
    def describe(self, cases: list[sparq.Case]) -> list[dict[str, str]]:
        return [{"kind": "a"} for _ in cases]


def test_a_promised_descriptor_that_never_comes_is_told() -> None:
    with pytest.warns(UserWarning, match="answered no 'size', which `describes` promises"):
        check_plugin(Promises())


def test_a_descriptor_named_as_a_column_is_refused_at_once(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "kinds.py").write_text(DOMAIN.replace('("kind", "length")', '("kind", "quality")'))
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "./kinds.py:Kinds", "without": ["load_seeds"]})
    with pytest.raises(sparq.PipelineError, match="describes by 'quality', which is a column of the dataset"):
        run_pipeline(pipeline, tmp_path)
