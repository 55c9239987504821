"""`sparq show`: problems filtered and sorted, and one problem whose equal attempts are folded."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sparq_core.cli import cli
from sparq_core.ledger.reader import Reader

OUTCOMES = ("kept", "rejected", "out-of-band")


def shown(folder: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["show", str(folder), *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output
    return done.output


def listed(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    told = json.loads(shown(folder, *arguments, "--limit", "10000", "--json"))
    assert told["matching"] == len(told["problems"])
    found: list[dict[str, Any]] = told["problems"]
    return found


def test_without_filters_all_children_are_listed_in_their_order(run_folder: Path) -> None:
    with Reader.open(run_folder) as ledger:
        in_order = [s.child for s in ledger.solved(outcome=None) if not s.child.problem.is_seed]
    found = listed(run_folder)
    assert [p["id"] for p in found] == [child.problem.id for child in in_order]
    assert [p["solve_rate"] for p in found] == [child.solve_rate for child in in_order]
    assert {p["outcome"] for p in found} >= set(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_lists_what_the_counters_have(run_folder: Path, outcome: Any) -> None:
    with Reader.open(run_folder) as ledger:
        assert len(listed(run_folder, "--outcome", outcome)) == ledger.tally().outcomes[outcome]


def test_outcomes_unite_and_other_filters_narrow(run_folder: Path) -> None:
    both = listed(run_folder, "--outcome", "kept", "--outcome", "rejected")
    assert {p["outcome"] for p in both} == {"kept", "rejected"}
    for p in listed(run_folder, "--outcome", "kept", "--solve-rate", "0.25:0.5", "--skill", "addition"):
        assert p["outcome"] == "kept"
        assert 0.25 <= p["solve_rate"] <= 0.5
        assert "addition" in p["descriptors"]["skills"]


@pytest.mark.parametrize(
    ("arguments", "holds"),
    [
        (["--solve-rate", ":0.25"], lambda p: p["solve_rate"] is not None and p["solve_rate"] <= 0.25),
        (["--solve-rate", "0.5"], lambda p: p["solve_rate"] == 0.5),
        (["--reason", "too easy"], lambda p: p["reason"] == "too easy"),
        (["--reason", "mutate: no <problem>"], lambda p: p["rejected_by"] == "mutate"),
        (["--skill", "addition", "--skill", "carrying"], lambda p: {"addition", "carrying"} <= _skills(p)),
        (["--text", "IS 1"], lambda p: "is 1" in p["statement"].lower()),
        (["--operator", "mutate"], lambda p: p["operator"] == "mutate"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_filter_lists_all_that_it_holds_for_and_no_other(
    run_folder: Path, arguments: list[str], holds: Any
) -> None:
    assert [p["id"] for p in listed(run_folder, *arguments)] == [p["id"] for p in listed(run_folder) if holds(p)]


def _skills(problem: dict[str, Any]) -> set[str]:
    return set(problem["descriptors"].get("skills", ()))


def test_the_seeds_are_round_0(run_folder: Path) -> None:
    assert {p["id"].split(".")[0] for p in listed(run_folder, "--round", "0")} == {"0"}


def test_the_hardest_come_first_and_those_without_a_solve_rate_last(run_folder: Path) -> None:
    rates = [p["solve_rate"] for p in listed(run_folder, "--sort", "solve-rate")]
    decided = [rate for rate in rates if rate is not None]
    assert decided == sorted(decided)
    assert rates == decided + [None] * (len(rates) - len(decided))
    other = [p["solve_rate"] for p in listed(run_folder, "--sort", "solve-rate", "--descending")]
    assert other == decided[::-1] + [None] * (len(rates) - len(decided))


def test_a_table_has_a_line_for_each_and_says_how_many_there_are(run_folder: Path) -> None:
    told = shown(run_folder, "--limit", "7")
    assert len(re.findall(r"^ 1\.\d+\.\d+ ", told, re.MULTILINE)) == 7
    assert told.endswith(f"the first 7 of {len(listed(run_folder))} problems\n")
    assert shown(run_folder, "--text", "nothing of the kind") == "0 problems\n"


def test_equal_attempts_are_shown_once_with_their_count(run_folder: Path) -> None:
    with Reader.open(run_folder) as ledger:
        kept = next(s.child for s in ledger.solved() if not s.child.problem.is_seed)
        kinds = Counter((j.verdict.value, j.verdict.answer) for j in ledger.judged(kept.problem.id))
    told = shown(run_folder, kept.problem.id)
    assert f"8 attempts, {len(kinds)} of them different" in told
    times = [int(n) for n in re.findall(r"^│ +(\d+) │ (?:correct|incorrect)", told, re.MULTILINE)]
    assert sorted(times) == sorted(kinds.values())


def test_a_story_as_json_has_every_attempt(run_folder: Path) -> None:
    story = json.loads(shown(run_folder, "1.1.1", "--json"))
    with Reader.open(run_folder) as ledger:
        judged = ledger.judged("1.1.1")
    assert [a["text"] for a in story["attempts"]] == [j.attempt.text for j in judged]
    assert [a["verdict"]["value"] for a in story["attempts"]] == [j.verdict.value for j in judged]
    assert story["written"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--solve-rate", "a:b"], "is not a range of solve rates"),
        (["--outcome", "lost"], "'lost' is not one of"),
        (["--limit", "0"], "0 is not in the range"),
        (["1.1.1", "--text", "x"], "filters are for the list"),
    ],
    ids=str,
)
def test_a_wrong_filter_is_one_clear_error(run_folder: Path, arguments: list[str], told: str) -> None:
    assert told in shown(run_folder, *arguments, code=2)


def test_a_filter_may_be_any_bytes(run_folder: Path) -> None:
    assert shown(run_folder, "--text", "\udcff", "--reason", "\udcff", "--skill", "\udcff") == "0 problems\n"


def test_an_operator_that_made_nothing_is_told_with_those_that_did(run_folder: Path) -> None:
    done = CliRunner().invoke(cli, ["show", str(run_folder), "--operator", "nosuch"])
    assert done.exit_code != 0
    assert "operator nosuch; operators of this run: mutate, seed" in str(done.exception)
