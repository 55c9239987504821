"""What changed between two sessions of a run is shown: prices at once, plugins with their step, models by name and folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import digest, priced, sparq_command

import sparq_core as sparq
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]
SCREEN = """
import sparq_core as sparq
class Screen:
    @sparq.hookimpl
    def screen(self, children):
        return ["odd" if child.id.startswith(ODD) else None for child in children]
"""


def test_corrected_prices_of_a_finished_run_show_at_once(sums: Make, tmp_path: Path) -> None:
    ran = run_pipeline(sums(models=priced(input=1.0, output=2.0)), tmp_path)
    with ran.read() as ledger:
        before = ledger.tally()
    again = run_pipeline(sums(models=priced(input=3.0, output=6.0)), tmp_path, resume=True)
    with ran.read() as ledger:
        after = ledger.tally()
    assert before.cost
    assert after.cost == again.ending.tally.cost == pytest.approx(3 * before.cost)
    assert json.loads(sparq_command("status", str(ran.folder), "--json"))["cost"] == after.cost


def test_prices_change_no_digest(sums: Make, tmp_path: Path) -> None:
    one = run_pipeline(sums(models=priced(input=1.0, output=2.0)), tmp_path / "one")
    two = run_pipeline(sums(models=priced(input=5.0, output=2.0)), tmp_path / "two")
    assert digest(one) == digest(two)


def test_an_accepted_change_is_shown_with_its_step(sums: Make, tmp_path: Path) -> None:
    def pipeline(steps: int, odd: str) -> dict[str, Any]:
        (tmp_path / "screen.py").write_text(SCREEN.replace("ODD", repr(odd)))
        made = sums(steps=steps)
        made["plugins"].append({"use": "./screen.py:Screen"})
        return made

    ran = run_pipeline(pipeline(4, "9."), tmp_path)
    run_pipeline(pipeline(6, "1."), tmp_path, resume=True, accept_changes=True)
    setting = "plugins../screen.py:Screen.files.code"
    told = json.loads(sparq_command("status", str(ran.folder), "--json"))["changes"]
    assert told == [{"round": 1, "step": 4, "setting": setting}]
    assert f"changed after step 1.4: {setting}" in sparq_command("status", str(ran.folder))


def test_a_changed_model_is_told_by_its_name_and_folder(sums: Make, tmp_path: Path) -> None:
    for name in ("small", "large"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(name))

    def pipeline(name: str) -> dict[str, Any]:
        return sums(steps=1, models={"student": {"use": "scripted", "model": f"./{name}"}})

    run_pipeline(pipeline("small"), tmp_path)
    with pytest.raises(sparq.PipelineError) as caught:
        run_pipeline(pipeline("large"), tmp_path, resume=True)
    assert f"model student: was ./small, is ./large in {tmp_path / 'large'}" in str(caught.value)
    (tmp_path / "small" / "config.json").write_text("{}")
    with pytest.raises(sparq.PipelineError, match=r"model student: the same name, other files, is \./small in"):
        run_pipeline(pipeline("small"), tmp_path, resume=True)


def test_a_template_that_slips_while_it_runs_is_mended_and_gone_on_with(sums: Make, tmp_path: Path) -> None:
    def pipeline(prompt: str) -> dict[str, Any]:
        return sums(in_flight=1, attempts={"k": 4, "prompt": prompt})

    slip = "{% if problem.id.startswith('1.3.') %}{{ problem.statement / 2 }}{% endif %}{{ problem.statement }}"
    with pytest.raises(sparq.SparqError, match=r"attempts\.prompt"):
        run_pipeline(pipeline(slip), tmp_path)
    with pytest.raises(sparq.PipelineError, match=r"(?s)attempts\.prompt.*--accept-changes"):
        run_pipeline(pipeline("{{ problem.statement }}"), tmp_path, resume=True)
    ran = run_pipeline(pipeline("{{ problem.statement }}"), tmp_path, resume=True, accept_changes=True)
    assert ran.ending.exit_code == 0
    told = json.loads(sparq_command("status", str(ran.folder), "--json"))["changes"]
    assert told == [{"round": 1, "step": 2, "setting": "attempts.prompt"}]
