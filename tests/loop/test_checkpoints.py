"""A run that goes on from a checkpoint is the run that replays everything, whatever its plugins remember."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import Interrupter, digest, exported

import sparq_core as sparq
from sparq_core.ledger.checkpoint import FILE
from sparq_core.ledger.doctor import examine
from sparq_core.ledger.files import PARTIAL
from sparq_core.loop import checkpoints, session
from sparq_core.loop.engine import Engine
from sparq_core.pipeline import prepare
from sparq_core.pipeline.cast import Cast
from sparq_core.testing import Ran, run_pipeline
from sparq_screen import near

Make = Callable[..., dict[str, Any]]
SELECTORS = ("static-uniform", "static-diverse", "dynamic-uniform", "map-elites")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", 12)
    monkeypatch.setattr(near, "SLOTS", 1 << 10)  # an index for millions takes its time to be saved this often


class Replayed:
    """Counts the steps that are replayed, and keeps what each plugin remembers at the end of a session."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[int] = []
        replay, close = Engine._replay, checkpoints.Checkpoints.close

        def counted(engine: Engine, step: int) -> None:
            self.steps.append(step)
            replay(engine, step)

        def kept(own: checkpoints.Checkpoints) -> None:
            self.state = {member.name: saved(own._cast, member.name) for member in own._cast.stateful}
            close(own)

        monkeypatch.setattr(Engine, "_replay", counted)
        monkeypatch.setattr(checkpoints.Checkpoints, "close", kept)


def saved(cast: Cast, plugin: str) -> bytes:
    file = io.BytesIO()
    cast.save_state(plugin, file)
    return file.getvalue()


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> Replayed:
    return Replayed(monkeypatch)


def stopped(pipeline: dict[str, Any], folder: Path, after: int) -> None:
    """Go on for so many steps, and be interrupted."""
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yaml").write_text(json.dumps(pipeline))
    interrupter = Interrupter(after)
    session.execute(prepare.load(folder / "pipeline.yaml"), folder / "run", True, [interrupter], interrupter.asked)


def resumed(pipeline: dict[str, Any], folder: Path, replayed: Replayed) -> tuple[Ran, list[int], dict[str, bytes]]:
    """A run that goes on to its end, the steps that were replayed for it, and what its plugins then remember."""
    replayed.steps.clear()
    ran = run_pipeline(pipeline, folder, resume=True)
    return ran, list(replayed.steps), replayed.state


def place(folder: Path) -> tuple[int, int]:
    with zipfile.ZipFile(folder / "run" / FILE) as file:
        about = json.loads(file.read("about.json"))
    return about["round"], about["step"]


@pytest.mark.parametrize(("select", "in_flight"), [(s, n) for s, n in zip(SELECTORS, (1, 3, 4, 2), strict=True)])
def test_a_run_goes_on_from_a_checkpoint_as_if_all_was_replayed(
    sums: Make, tmp_path: Path, replayed: Replayed, select: str, in_flight: int
) -> None:
    pipeline = sums(select, in_flight=in_flight, steps=12, attempts={"k": 4, "again": 2})
    pipeline["plugins"][1]["with"] = {"max_children": 9}
    for after in (4, 7, 3):
        stopped(pipeline, tmp_path / "one", after)
    round_, step = place(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "run" / FILE).unlink()
    one, few, state = resumed(pipeline, tmp_path / "one", replayed)
    other, every, from_all = resumed(pipeline, tmp_path / "other", replayed)
    assert (round_, min(few, default=step + 1)) == (1, step + 1)
    assert 1 in every
    assert state == from_all
    assert (digest(one), exported(one)) == (digest(other), exported(other))


def test_a_run_of_several_rounds_goes_on_from_a_checkpoint_of_any_of_them(
    sums: Make, tmp_path: Path, replayed: Replayed
) -> None:
    pipeline = sums("map-elites", rounds=3, steps=5, in_flight=2)
    whole = run_pipeline(pipeline, tmp_path / "whole")
    for rounds, steps in ((1, 4), (1, 5), (2, 5), (3, 5)):
        ran, *_ = resumed({**pipeline, "rounds": rounds, "steps": steps}, tmp_path / "parts", replayed)
    assert place(tmp_path / "parts")[0] == 3
    assert (digest(ran), exported(ran)) == (digest(whole), exported(whole))


def test_a_round_that_is_extended_is_selected_for_with_no_more_folded_in_than_before(
    sums: Make, tmp_path: Path, replayed: Replayed
) -> None:
    """A checkpoint of the last steps would let `select` see steps that were in flight for an uninterrupted run."""
    whole = run_pipeline(sums("map-elites", steps=14, in_flight=4), tmp_path / "whole")
    for steps in range(3, 15):
        ran, *_ = resumed(sums("map-elites", steps=steps, in_flight=4), tmp_path / "parts", replayed)
    assert digest(ran) == digest(whole)


def test_a_checkpoint_that_cannot_be_used_is_told_of_and_all_is_replayed(
    sums: Make, tmp_path: Path, replayed: Replayed
) -> None:
    pipeline = sums("map-elites", steps=8)
    stopped(pipeline, tmp_path / "one", 9)
    file = tmp_path / "one" / "run" / FILE
    whole = file.read_bytes()
    for i, (content, why) in enumerate(
        [
            (b"", "cannot be read"),
            (whole[:-60], "cannot be read"),
            (whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], "is damaged"),
            (changed(file, digest="0" * 32), "is of other steps than the ledger's"),
            (changed(file, until=[1, 99]), "is of other steps than the ledger's"),
            (changed(file, identity="another"), "was saved by other plugins, or other versions of them"),
            (changed(file, plugins=["map-elites"]), "is damaged"),
        ]
    ):
        folder = tmp_path / str(i)
        shutil.copytree(tmp_path / "one", folder)
        (folder / "run" / FILE).write_bytes(content)
        ran, steps, _ = resumed(pipeline, folder, replayed)
        told = [event.message for event in ran.events if isinstance(event, sparq.Warned)]
        assert any(f"{FILE} {why}" in message and "all steps are replayed" in message for message in told)
        assert 1 in steps


def changed(file: Path, **about: Any) -> bytes:
    """A checkpoint that says something else of itself."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as there, zipfile.ZipFile(made, "w") as here:
        for name in there.namelist():
            content = there.read(name)
            here.writestr(name, json.dumps(json.loads(content) | about) if name == "about.json" else content)
    return made.getvalue()


FORGETFUL = """
import sparq_core as sparq

class Forgetful:
    @sparq.hookimpl
    def commit(self, step):
        return {}
"""
BROKEN = """
    def save_state(self, file):
        file.write(b"x")

    def load_state(self, file):
        raise ValueError("what is this?")
"""


def test_with_a_plugin_that_cannot_save_its_state_there_is_no_checkpoint(sums: Make, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(FORGETFUL)
    pipeline = sums(steps=6)
    pipeline["plugins"].append({"use": "./own.py:Forgetful"})
    assert not (run_pipeline(pipeline, tmp_path).folder / FILE).exists()


def test_a_plugin_that_cannot_load_its_state_is_named_with_the_way_out(
    sums: Make, tmp_path: Path, replayed: Replayed
) -> None:
    (tmp_path / "own.py").write_text(FORGETFUL + BROKEN)
    pipeline = sums(steps=6)
    pipeline["plugins"].append({"use": "./own.py:Forgetful"})
    ran = run_pipeline(pipeline, tmp_path)
    with pytest.raises(sparq.SparqError, match=r"Forgetful.*its state: ValueError: what is this\?") as error:
        run_pipeline({**pipeline, "steps": 7}, tmp_path, resume=True)
    assert f"delete {ran.folder / FILE}" in str(error.value.__notes__)
    (ran.folder / FILE).unlink()
    _, steps, _ = resumed({**pipeline, "steps": 7}, tmp_path, replayed)
    assert 1 in steps


def test_the_doctor_tells_of_a_checkpoint(sums: Make, tmp_path: Path) -> None:
    folder = run_pipeline(sums(steps=8), tmp_path).folder
    found = {check.name: check for check in examine(folder).checks}["checkpoint"]
    assert found.told.startswith("the plugins' state after step 1.")
    (folder / FILE).write_bytes(b"PK")
    found = {check.name: check for check in examine(folder).checks}["checkpoint"]
    assert not found.damage
    assert "replays all steps instead" in found.notes[0]


def test_what_a_kill_left_of_a_checkpoint_is_taken_away(sums: Make, tmp_path: Path, replayed: Replayed) -> None:
    pipeline = sums(steps=8)
    stopped(pipeline, tmp_path, 9)
    partial = tmp_path / "run" / (FILE + PARTIAL)
    partial.write_bytes(b"PK")
    resumed({**pipeline, "steps": 9}, tmp_path, replayed)
    assert not partial.exists()
    assert zipfile.ZipFile(tmp_path / "run" / FILE).testzip() is None
