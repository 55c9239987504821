"""A run and its folder: one run begins in it, and a run whose folder goes away notices."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import digest, sparq_command

import sparq_core as sparq
from sparq_core.contract.errors import RunMovedError
from sparq_core.ledger import storage
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]


def started(pipeline: dict[str, Any], folder: Path, resume: bool, watch: Callable[[sparq.Event], None]) -> None:
    path = folder / "pipeline.yaml"
    path.write_text(json.dumps(pipeline))
    session.execute(prepare.load(path), folder / "run", resume, [watch], lambda: False)


@pytest.mark.parametrize(
    ("resume", "settings", "told"),
    [(False, {}, "already contains a run"), (True, {"seed": 2}, r"contains another run; .*\n +seed: 1 → 2")],
)
def test_a_folder_in_which_another_run_began_meanwhile_is_left_to_it(
    sums: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool, settings: dict[str, Any], told: str
) -> None:
    reading = prepare.with_digests

    def slowly(run: sparq.Run, folder: Path) -> sparq.Run:
        monkeypatch.setattr(session, "with_digests", reading)
        run_pipeline(sums(), tmp_path)
        return reading(run, folder)

    monkeypatch.setattr(session, "with_digests", slowly)
    path = tmp_path / "late.yaml"
    path.write_text(json.dumps(sums(**settings)))
    late = prepare.load(path)
    with pytest.raises(sparq.PipelineError, match=told):
        session.execute(late, tmp_path / "run", resume, [], lambda: False)
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert ledger.last_digest() == digest(run_pipeline(sums(), tmp_path / "whole"))


@pytest.mark.parametrize("left", [(), (".lock",), sorted(storage.LEFT)])
def test_a_run_begins_where_one_was_killed_before_it_had_begun(sums: Make, tmp_path: Path, left: list[str]) -> None:
    (tmp_path / "run").mkdir()
    for name in left:
        (tmp_path / "run" / name).write_text("half")
    assert digest(run_pipeline(sums(steps=2), tmp_path)) == digest(run_pipeline(sums(steps=2), tmp_path / "whole"))


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_does_not_begin_among_other_files(sums: Make, tmp_path: Path, resume: bool) -> None:
    mine = tmp_path / "run" / "pipeline.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(sparq.PipelineError, match="is not empty and contains no run"):
        run_pipeline(sums(), tmp_path, resume=resume)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("back", [True, False])
def test_a_run_whose_folder_is_gone_stops_at_its_next_commit(sums: Make, tmp_path: Path, back: bool) -> None:
    away, folder, events = tmp_path / "away", tmp_path / "run", list[sparq.Event]()

    def move(event: sparq.Event) -> None:
        events.append(event)
        if isinstance(event, sparq.StepCommitted) and (event.round, event.step) == (1, 3):
            folder.rename(away)
            if not back:
                shutil.rmtree(away)
                run_pipeline(sums(steps=1), tmp_path)  # another run, which is not to be written to

    with pytest.raises(RunMovedError, match="was moved or deleted during the run") as error:
        started(sums(steps=40), tmp_path, False, move)
    assert error.value.exit_code == 4
    committed = [e.step for e in events if isinstance(e, sparq.StepCommitted) and e.round]
    assert committed == [1, 2, 3]
    if back:
        away.rename(folder)
        ended = run_pipeline(sums(steps=6), tmp_path, resume=True)
        assert digest(ended) == digest(run_pipeline(sums(steps=6), tmp_path / "whole"))
    else:
        with sparq.Reader.open(folder) as other:
            assert other.steps_of(1) == 1


def test_a_phase_does_not_begin_where_the_folder_is_gone(sums: Make, tmp_path: Path) -> None:
    def move(event: sparq.Event) -> None:
        if isinstance(event, sparq.StepCommitted) and (event.round, event.step) == (1, 2):
            (tmp_path / "run").rename(tmp_path / "away")

    with pytest.raises(RunMovedError):
        started(sums(steps=2), tmp_path, False, move)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["regrade", "curate", "label"])
def test_commands_that_write_leave_nothing_where_there_is_no_run(tmp_path: Path, command: str) -> None:
    assert "there is no run here" in sparq_command(command, str(tmp_path), code=2)
    assert not list(tmp_path.iterdir())


def test_of_a_run_that_came_to_nothing_the_folder_may_go(sums: Make, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import sparq_core as sparq\nclass Broken:\n"
        "    @sparq.hookimpl\n    def load_seeds(self):\n        raise KeyError('x')\n"
    )
    pipeline = sums()
    pipeline["plugins"][0] = {"use": "./broken.py:Broken"}
    with pytest.raises(sparq.PluginError):
        run_pipeline(pipeline, tmp_path)
    for resume in (False, True):
        with pytest.raises(sparq.PipelineError, match="nothing is committed there, so you can also delete that folder"):
            run_pipeline(sums(), tmp_path, resume=resume)
