"""`--json`: every command that prints facts gives them as data, the same as it tells."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from sparq_core.cli import cli

WATCHED = {"run", "quickstart", "view"}
"""Somebody looks at what they do."""
PRINT_NO_FACTS = WATCHED | {"init", "report", "schema", "new-plugin", "new-domain", "completion", "help"}
"""The others write a file, or print what is no list of facts: a schema is JSON itself, the rest are texts."""


def data(*arguments: str) -> Any:
    done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


@pytest.mark.parametrize("command", sorted(set(cli.list_commands(click.Context(cli))) - PRINT_NO_FACTS))
def test_a_command_that_prints_facts_has_json(command: str) -> None:
    told = CliRunner().invoke(cli, [command, "--help"]).output
    assert "--json" in told


def test_a_choice_an_export_and_a_grading_are_data(run_folder: Path, tmp_path: Path) -> None:
    chosen = data("curate", str(run_folder), "--by", "quality", "--budget", "3")
    assert chosen["problems"] == 3
    assert len(Path(chosen["file"]).read_text().splitlines()) == chosen["examples"]
    exported = data("export", str(run_folder), "--to", str(tmp_path / "all.jsonl"))
    assert exported["rows"] == len((tmp_path / "all.jsonl").read_text().splitlines())
    graded = data("regrade", str(run_folder))
    assert all(each["before"] == each["after"] for each in graded["attempts"])
    assert graded["grading"] == 2
    (row, *_) = data("rebin", str(run_folder), "--option", "niches={skills: {}}")
    assert row["metrics"]["filled_niches"] >= 1


def test_a_preview_is_data(run_folder: Path) -> None:
    found = data("preview", str(run_folder.parent / "pipeline.yaml"))
    assert len(found["children"]) == 8
    assert any("Write a novel" in (answer["prompt"] or "") for answer in found["answers"])
    assert found["estimate"]["tokens"] > 0
    assert re.fullmatch(r"1\.1\.\d", found["children"][0]["id"])
