"""`sparq diff`: the settings that two runs differ in, and their results beside each other."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from runs import priced

from sparq_core.cli import cli
from sparq_core.ledger.reader import Reader
from sparq_core.report import differences
from sparq_core.testing import run_pipeline


def diff(first: Path, second: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, ["diff", str(first), str(second), *arguments], env={"COLUMNS": "140"})
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def two(sums: Callable[..., Any], tmp_path: Path) -> tuple[Path, Path]:
    first = sums(models=priced(input=1.0, output=2.0), steps=3)
    second = sums(steps=4, seed=2, attempts={"k": 4}, admit=False)
    second["plugins"][2]["with"] = {"prompt": "Write a novel problem.\n{{ parent.statement }} <problem>"}
    return run_pipeline(first, tmp_path / "a").folder, run_pipeline(second, tmp_path / "b").folder


def test_what_the_runs_were_made_with_is_told_setting_by_setting(two: tuple[Path, Path]) -> None:
    told = json.loads(diff(*two, "--json"))
    settings = {each["setting"]: (each["before"], each["after"]) for each in told["settings"]}
    assert set(settings) == {
        "attempts.k",
        "models.student.prices",
        "plugins.duplicates",
        "plugins.mutate.with.prompt",
        "seed",
        "steps",
    }
    assert settings["attempts.k"] == (8, 4)
    assert settings["plugins.duplicates"][1] is None


def test_the_terminal_shows_the_same_and_only_the_lines_of_a_text_that_differ(two: tuple[Path, Path]) -> None:
    told = diff(*two)
    assert "  attempts.k: 8 → 4\n" in told
    assert "    +Write a novel problem.\n" in told
    assert "<problem>\n{{ parent.statement }}" not in told
    assert "money per kept problem" in told


def test_counts_are_those_of_the_ledgers(two: tuple[Path, Path]) -> None:
    counts = json.loads(diff(*two, "--json"))["counts"]
    for i, folder in enumerate(two):
        with Reader.open(folder) as ledger:
            tally = ledger.tally()
        assert counts["proposed"][i] == tally.children
        assert counts["kept"][i] == tally.outcomes["kept"]
        assert counts["money"][i] == tally.cost


def test_results_have_the_intervals_of_the_report(two: tuple[Path, Path]) -> None:
    found = {each["measure"]: each for each in json.loads(diff(*two, "--json"))["measures"]}
    both = []
    for folder in two:
        with Reader.open(folder) as ledger:
            both.append(differences.figures(ledger))
    for row in differences.differences(both):
        apart = row.apart[0]
        assert apart is not None
        assert found[row.measure]["difference"] == {"mean": apart.mean, "low": apart.low, "high": apart.high}


def test_a_run_is_the_same_as_itself(run_folder: Path) -> None:
    told = diff(run_folder, run_folder)
    assert "No setting differs." in told
    assert "their steps are the same" in told


def test_a_folder_without_a_run_is_one_clear_error(run_folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["diff", str(run_folder), str(tmp_path)])
    assert "there is no run here" in str(done.exception)


def test_names_of_tasks_are_whole_in_eighty_columns(two: tuple[Path, Path]) -> None:
    for folder in two:
        with closing(sqlite3.connect(folder / "sparq.db", isolation_level=None)) as writer:
            writer.executemany(
                "INSERT INTO score VALUES (0, 0, 'out_of_distribution', ?, ?)",
                [(str(i), float(i < 7)) for i in range(60)],
            )
    told = CliRunner().invoke(cli, ["diff", *map(str, two)], env={"COLUMNS": "80"}).output
    assert re.search(r"^ ?out_of_distribution  *11\.7 \(", told, re.MULTILINE)
    assert max(map(len, told.split("With 95%")[1].splitlines())) <= 80
    assert re.search(r"wall clock .* second", told)
