"""Phases whose work was lost, or that were killed in the midst: each is recorded once, and what it made last is what counts."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKES
from runs import sparq_command

import sparq_core as sparq
from sparq_core.ledger.writer import Ledger
from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.testing import Ran, run_pipeline

Make = Callable[..., dict[str, Any]]
NEVER_TWICE = FAKES.replace("json.dumps([", "json.dumps([__import__('time').time_ns(), ")
"""A trainer whose weights are others each time."""


class Kill(BaseException):
    """As if by kill -9."""


def trained(ran: Ran, round: int = 1) -> str:
    phase = ran.read().phase(round, "train")
    assert phase
    return phase.digest


@pytest.fixture
def varied(trains: Make, tmp_path: Path) -> Make:
    pipeline = trains(rounds=1)
    (tmp_path / "fakes.py").write_text(NEVER_TWICE)
    return lambda **settings: {**pipeline, **settings}


def test_lost_weights_are_trained_once_more_and_the_new_ones_are_recorded(varied: Make, tmp_path: Path) -> None:
    first = run_pipeline(varied(), tmp_path)
    before = trained(first)
    shutil.rmtree(first.folder / "models" / "round-1")
    more = run_pipeline(varied(rounds=2), tmp_path, resume=True)
    now = trained(more)
    assert now == sparq.weights_digest(str(more.folder / "models" / "round-1")) != before
    (warning,) = [e.message for e in more.events if isinstance(e, sparq.Warned) and "was gone" in e.message]
    assert f"({before} → {now})" in warning
    with more.read() as ledger:
        changes = list(ledger.query("SELECT round, step, setting, before, after FROM change"))
        served = {digest for (digest,) in ledger.query("SELECT digest FROM model")}
    assert changes == [(1, 2, "what train made of round 1 with 2 steps", f'"{before}"', f'"{now}"')]
    assert now in served
    assert now in sparq_command("status", str(more.folder), "--json")
    sparq_command("doctor", str(more.folder))
    again = run_pipeline(varied(rounds=2), tmp_path, resume=True)
    assert (again.ending.exit_code, trained(again)) == (0, now)


def test_weights_that_were_changed_by_hand_are_refused_with_a_remedy_that_works(varied: Make, tmp_path: Path) -> None:
    ran = run_pipeline(varied(), tmp_path)
    (ran.folder / "models" / "round-1" / "config.json").write_text("{}")
    with pytest.raises(sparq.SparqError, match="put those back, or delete the folder"):
        run_pipeline(varied(), tmp_path, resume=True)
    shutil.rmtree(ran.folder / "models" / "round-1")
    assert run_pipeline(varied(), tmp_path, resume=True).ending.exit_code == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_the_new_weights_are_put_in_place_it_goes_on(
    varied: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    ran = run_pipeline(varied(), tmp_path)
    shutil.rmtree(ran.folder / "models" / "round-1")
    rename = Path.rename

    def killed(path: Path, target: Path) -> None:
        if moment == "after":
            rename(path, target)
        raise Kill

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(Kill):
            run_pipeline(varied(), tmp_path, resume=True)
    resumed = run_pipeline(varied(), tmp_path, resume=True)
    assert trained(resumed) == sparq.weights_digest(str(ran.folder / "models" / "round-1"))


def test_a_choice_and_its_phase_are_recorded_together(
    sums: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Ledger._insert

    def killed(ledger: Ledger, table: str, made: Any) -> None:
        if table in {"phase", "curation"}:
            waiting.append(table)
            if len(waiting) == 2:
                raise Kill
        insert(ledger, table, made)

    waiting: list[str] = []
    path = tmp_path / "pipeline.yaml"
    path.write_text(json.dumps(sums(steps=2)))
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "_insert", killed)
        with pytest.raises(Kill):
            session.execute(prepare.load(path), tmp_path / "run", False, [], lambda: False)
    with sparq.Reader.open(tmp_path / "run") as ledger:
        assert (ledger.curations(), ledger.phase(1, "curate")) == (0, None)
    resumed = run_pipeline(sums(steps=2), tmp_path, resume=True).read()
    assert resumed.curations() == 1
    assert resumed.phase(1, "curate")


def test_a_lost_dataset_is_written_once_more_and_recorded_no_second_time(sums: Make, tmp_path: Path) -> None:
    ran = run_pipeline(sums(steps=2), tmp_path)
    dataset = ran.folder / "dataset" / "round-1.jsonl"
    before = dataset.read_bytes()
    dataset.unlink()
    resumed = run_pipeline(sums(steps=2), tmp_path, resume=True).read()
    assert dataset.read_bytes() == before
    assert resumed.curations() == 1
    assert not list(resumed.query("SELECT * FROM change"))
