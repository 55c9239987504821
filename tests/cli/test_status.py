"""What `sparq status` shows: what was spent and by whom, retries and waits, no more than the run has, each word explained."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import priced, sparq_command

from sparq_core.cli import status
from sparq_core.contract.tally import Replicas, Retried, Tally
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]


def words(text: str) -> str:
    return " ".join(text.split())


def without(pipeline: dict[str, Any], use: str) -> dict[str, Any]:
    pipeline["plugins"] = [plugin for plugin in pipeline["plugins"] if plugin["use"] != use]
    return pipeline


def test_the_words_that_stand_in_it_are_explained_and_no_others(sums: Make, tmp_path: Path) -> None:
    folder = run_pipeline(sums(models=priced(input=1.0, output=2.0), steps=2), tmp_path).folder
    said = words(sparq_command("status", str(folder)))
    facts = json.loads(sparq_command("status", str(folder), "--json"))
    assert "QD-score: quality and diversity" in said
    assert ("idle: the share" in said) == bool(facts["idle"]), "a run may be over before anybody has looked"
    assert "prices of student: 1.00 per million prompt tokens, 2.00 per million sampled tokens" in said
    for word in ("disputed:", "sent again:", "replicas:"):
        assert word not in said
    assert facts["prices"] == {"student": {"input": 1.0, "output": 2.0}}


def test_a_run_of_seeds_alone(sums: Make, tmp_path: Path) -> None:
    said = sparq_command("status", str(run_pipeline(sums(rounds=0), tmp_path).folder))
    for part in ("children", "attempts", "money", "niche", "QD-score", "entropy"):
        assert part not in said


@pytest.mark.parametrize("select", ["static-uniform", "map-elites"])
def test_where_nothing_is_described_there_are_no_niches(sums: Make, tmp_path: Path, select: str) -> None:
    folder = run_pipeline(without(sums(select, steps=2), "skills"), tmp_path).folder
    shown = [sparq_command("status", str(folder)), sparq_command("status", str(folder), "--json")]
    sparq_command("report", str(folder), "--to", str(page := tmp_path / "report.html"))
    assert "No child has descriptors, so there are no niches to show." in page.read_text()
    shown.append(page.read_text().replace("there are no niches to show", ""))
    assert "kept" in shown[0]
    for text in shown:
        for part in ("niche", "QD-score", "qd_score", "unique labels"):
            assert part not in text


def test_what_each_role_took_adds_up(sums: Make, tmp_path: Path) -> None:
    models = priced(input=1.0, output=2.0) | {"free": {"use": "scripted", "model": "sums"}}
    roles = {"generator": "student", "solver": "student", "labeller": "free"}
    ran = run_pipeline(sums(models=models, roles=roles, steps=2), tmp_path)
    told = json.loads(sparq_command("status", str(ran.folder), "--json"))
    by_role = told["roles"]
    assert {role: of["model"] for role, of in by_role.items()} == {r: roles[r] for r in by_role}
    assert {"generator", "solver", "labeller"} <= set(by_role)
    for key in ("tokens", "prompt_tokens"):
        assert sum(of[key] for of in by_role.values()) == told[key] > 0
    assert by_role["labeller"]["cost"] is None
    assert sum(of["cost"] or 0.0 for of in by_role.values()) == pytest.approx(told["cost"])
    solver, kept = by_role["solver"], told["children"]["kept"]
    said = words(sparq_command("status", str(ran.folder)))
    assert (
        f"solver (student): {solver['tokens']:,} sampled tokens, {solver['prompt_tokens']:,} prompt tokens, cost"
        in said
    )
    assert f"{told['cost'] / kept:.2g} per kept problem" in said
    assert "0m 00s wall clock up to the last step" in said


def test_requests_sent_again_and_replicas_are_explained() -> None:
    tally = Tally(retried=Retried(requests=1_200, seconds=330.0), replicas={"student": Replicas(2, 10, 12, lost=1)})
    rows = dict(status._of_samplers(tally))
    assert rows["1,200"] == "requests sent again, after waits of 5m 30s in total"
    assert rows["2"] == "replicas of student: each drew 10 to 12 completions; lost once"
    nothing: dict[str, Any] = {"problems": 0, "described": 0, "labels": {}}
    told = {
        "prices": {}, "children": {}, "metrics": {}, "attempts": {}, "idle": {}, "archive": nothing, "curated": nothing,
        "retried": {"requests": 1_200}, "replicas": {"student": {"number": 2, "lost": 1}},
    }  # fmt: skip
    assert [line.partition(":")[0] for line in status.explained(told)] == ["sent again", "replicas"]
