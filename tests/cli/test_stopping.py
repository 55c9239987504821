"""What signals do to a run: each moment of it, and one, two or many of them, or a plugin that never ends."""

import json
import signal
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from commands import Command, until

import sparq_core as sparq

HOLDING = """
import time
from pathlib import Path

import sparq_core as sparq

HERE = Path(__file__).parent


def hold(moment):
    if (HERE / "hold").read_text() == moment:
        (HERE / "reached").touch()
        while (HERE / "hold").read_text() == moment:
            time.sleep(0.01)


class Holds:
    @sparq.hookimpl
    def check(self):
        hold("check")
        return []

    @sparq.hookimpl
    def describe(self, cases):
        hold("describe")
        return [{} for _ in cases]

    @sparq.hookimpl
    def start(self):
        hold("start")

    @sparq.hookimpl
    def screen(self, children):
        hold("screen")
        return [None for _ in children]

    @sparq.hookimpl
    def verify(self, trials):
        hold("verify")
        return [None for _ in trials]

    @sparq.hookimpl
    def commit(self, step):
        hold("commit" if step.round else "seeds")

    @sparq.hookimpl
    def observe(self, event):
        if isinstance(event, sparq.RunEnded):
            hold("end")


class Chooses:
    @sparq.hookimpl
    def curate(self, ledger, round):
        hold("curate")
        for solved in ledger.solved():
            if solved.correct:
                yield sparq.Example(problem=solved.child.problem.id, attempt=solved.correct[0])


class Audits:
    @sparq.hookimpl
    def audit(self, problems):
        hold("audit")
        return [None for _ in problems]


class Trains:
    @sparq.hookimpl
    def train(self, out):
        sparq.run_worker("holding_worker", {"moment": "train", "out": str(out)}, HERE / "train.log", HERE)
        (out / "config.json").write_text("{}")


class Scores:
    @sparq.hookimpl
    def benchmark(self, out):
        sparq.run_worker("holding_worker", {"moment": "benchmark", "out": str(out)}, HERE / "benchmark.log", HERE)
        return [sparq.Score(task="sums", item="1", value=1.0)]


class Serves:
    trainable = True

    @sparq.hookimpl
    def sampler(self, model):
        from sparq_core.testing import ScriptedSampler

        return ScriptedSampler()
"""
WORKER = """
from pathlib import Path

import sparq_core as sparq
from holding import hold


def main(job):
    (Path(job["out"]) / "half").touch()
    hold(job["moment"])


if __name__ == "__main__":
    sparq.serve(main)
"""
GENERATING = ["seeds", "screen", "verify", "commit"]
IN_A_PROCESS = ["train", "benchmark"]
MOMENTS = ["start", *GENERATING, "curate", "end"]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU]


@pytest.fixture
def world(sums: Callable[..., Any], tmp_path: Path) -> Path:
    """A run whose plugins wait at the moment that the file `hold` names."""
    (tmp_path / "holding.py").write_text(HOLDING)
    (tmp_path / "holding_worker.py").write_text(WORKER)
    (tmp_path / "hold").touch()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    pipeline = sums(steps=3, batch=3, in_flight=2, attempts={"k": 4})
    pipeline["models"] = {"student": {"use": "./holding.py:Serves", "model": "./model"}}
    cast = [plugin for plugin in pipeline["plugins"] if plugin["use"] != "curate-band"]
    ours = [{"use": f"./holding.py:{name}"} for name in ("Holds", "Chooses", "Trains", "Scores")]
    pipeline["plugins"] = [*cast[:-2], ours[0], *cast[-2:], *ours[1:]]
    (tmp_path / "trained.json").write_text(json.dumps(pipeline))
    pipeline["plugins"] = pipeline["plugins"][:-2]
    (tmp_path / "sums.json").write_text(json.dumps(pipeline))
    return tmp_path


def run(world: Path, moment: str = "", drain: float = 20.0, *more: str) -> Command:
    """A run that has come to this moment."""
    (world / "hold").write_text(moment)
    (world / "reached").unlink(missing_ok=True)
    pipeline = "trained.json" if moment in IN_A_PROCESS else "sums.json"
    arguments = ("run", str(world / pipeline), "--out", str(world / "run"), "--resume", "--drain", str(drain))
    command = Command(world, *arguments)
    if moment:
        until(world / "reached")
    return command


def release(world: Path) -> None:
    (world / "hold").write_text("")


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What an uninterrupted run came to, once it is known."""
    return {}


def goes_on(world: Path, whole: dict[str, Any], pipeline: str = "sums.json") -> None:
    """The run comes to the same end as one that nobody stopped."""
    release(world)
    last = Command(world, "run", str(world / pipeline), "--out", str(world / "run"), "--resume")
    assert last.end() == 0, last.printed
    with sparq.Reader.open(world / "run") as ledger:
        story = (ledger.last_digest(), ledger.tally().outcomes)
    assert whole.setdefault("story", story) == story
    assert not list((world / "run").rglob("*.partial"))


@pytest.mark.parametrize(("moment", "number"), [*zip(MOMENTS, cycle(SIGNALS), strict=False)])
def test_once_drains_and_commits(world: Path, whole: dict[str, Any], moment: str, number: int) -> None:
    command = run(world, moment)
    command.send(number)
    release(world)
    assert command.end() == (0 if moment == "end" else 4), command.printed
    assert "Traceback" not in command.printed
    assert "--resume" in command.printed
    goes_on(world, whole)


@pytest.mark.parametrize("moment", ["start", "verify", "commit"])
def test_several_at_once_are_as_one(world: Path, moment: str) -> None:
    command = run(world, moment)
    command.send(signal.SIGTERM, signal.SIGCONT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    release(world)
    assert command.end() == 4, command.printed
    assert "Traceback" not in command.printed


@pytest.mark.parametrize("moment", IN_A_PROCESS)
def test_a_training_or_a_benchmark_in_a_process_is_ended_and_done_anew(
    world: Path, whole: dict[str, Any], moment: str
) -> None:
    command = run(world, moment)
    command.send(signal.SIGINT)
    assert command.end(within=10.0) == 4, command.printed
    assert "Traceback" not in command.printed
    assert not list((world / "run" / "models").glob("*"))
    goes_on(world, whole, "trained.json")
    with sparq.Reader.open(world / "run") as ledger:
        assert [score.value for score in ledger.scores(1)] == [1.0]


@pytest.mark.parametrize("moment", ["verify", "commit", "curate", "end"])
def test_a_second_is_at_once(world: Path, moment: str) -> None:
    command = run(world, moment)
    command.send(signal.SIGINT)
    command.told("Press Ctrl-C again")
    time.sleep(0.3)
    command.send(signal.SIGTERM)
    assert command.end(within=10.0) == 130, command.printed
    assert "stopped at once" in command.printed
    assert "--resume" in command.printed


@pytest.mark.parametrize("moment", ["seeds", "verify", "curate", "end"])
def test_what_does_not_end_is_ended_in_time_and_named(world: Path, whole: dict[str, Any], moment: str) -> None:
    command = run(world, moment, 0.3)
    began = time.monotonic()
    command.send(signal.SIGUSR1)
    assert command.end(within=10.0) == 4, command.printed
    assert time.monotonic() - began > 0.3
    assert "the steps in flight did not finish within 0.3 s" in command.printed
    assert f"hook `{({'seeds': 'commit', 'end': 'observe'}).get(moment, moment)}`" in command.printed
    assert "--resume" in command.printed
    if moment == "verify":
        goes_on(world, whole)


def test_a_run_under_nohup_goes_on_without_its_terminal(world: Path) -> None:
    (world / "hold").write_text("verify")
    arguments = ("run", str(world / "sums.json"), "--out", str(world / "run"))
    command = Command(world, *arguments, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(world / "reached")
    command.send(signal.SIGHUP)
    release(world)
    assert command.end() == 0, command.printed


def test_what_comes_next_counts_on_from_what_there_is(world: Path) -> None:
    """Settings that were given are repeated, but not the one that is to be another."""
    arguments = ("run", str(world / "sums.json"), "--out", str(world / "run"), "--set", "steps=2", "--set", "batch=2")
    command = Command(world, *arguments)
    assert command.end() == 0, command.printed
    assert f"--set batch=2 --out {world / 'run'} --resume --set steps=4 #" in command.printed
    more = Command(world, *arguments, "--resume", "--set", "rounds=3", "--set", "budget.attempts=1")
    assert more.end() == 3, more.printed
    assert f"--set rounds=3 --out {world / 'run'} --resume --set budget.attempts=…" in more.printed


@pytest.mark.parametrize(("command", "code"), [("curate", 130), ("audit", 4)])
def test_other_commands_are_left_as_cleanly(world: Path, command: str, code: int) -> None:
    first = run(world)
    assert first.end() == 0, first.printed
    (world / "hold").write_text(command)
    (world / "reached").unlink(missing_ok=True)
    name = {"curate": "Chooses", "audit": "Audits"}[command]
    arguments = (command, str(world / "run"), "--use", f"{world / 'holding.py'}:{name}")
    at_work = Command(world, *arguments)
    until(world / "reached")
    at_work.send(signal.SIGTERM)
    assert at_work.end(within=10.0) == code, at_work.printed
    assert "Traceback" not in at_work.printed
    assert "interrupted" in at_work.printed
    release(world)
    again = Command(world, *arguments)
    assert again.end() == 0, again.printed


@pytest.mark.parametrize(
    ("command", "moment", "code"),
    [("check", "check", 130), ("preview", "verify", 130), ("regrade", "verify", 130), ("label", "describe", 4)],
)
def test_so_are_commands_that_ask_the_pipelines_own_plugins(world: Path, command: str, moment: str, code: int) -> None:
    target = world / "sums.json"
    if command in {"regrade", "label"}:
        assert run(world).end() == 0
        target = world / "run"
    (world / "hold").write_text(moment)
    (world / "reached").unlink(missing_ok=True)
    at_work = Command(world, command, str(target))
    until(world / "reached")
    at_work.send(signal.SIGINT)
    if command == "label":
        release(world)
    assert at_work.end(within=10.0) == code, at_work.printed
    assert "Traceback" not in at_work.printed
    assert "nterrupted" in at_work.printed
    release(world)
    again = Command(world, command, str(target))
    assert again.end() == 0, again.printed


def test_an_option_of_a_plugin_is_named_as_it_was_given(world: Path) -> None:
    assert run(world).end() == 0
    command = Command(world, "curate", str(world / "run"), "--option", "budget=many")
    assert command.end() == 2
    assert "--option: budget: " in command.printed
    assert "--use.with" not in command.printed


def test_a_second_stops_a_study_at_once_and_says_so(world: Path) -> None:
    study = {"name": "sums", "base": "trained.json", "seeds": 1, "arms": {"four": {}, "two": {"attempts.k": 2}}}
    (world / "study.yaml").write_text(json.dumps(study))
    (world / "hold").write_text("verify")
    command = Command(world, "study", str(world / "study.yaml"), "--out", str(world / "out"))
    until(world / "reached")
    command.send(signal.SIGINT)
    command.told("Press Ctrl-C again")
    time.sleep(0.3)
    command.send(signal.SIGINT)
    assert command.end(within=15.0) == 130, command.printed
    assert "Traceback" not in command.printed
    assert "stopped at once" in command.printed
    assert f"sparq study {world / 'study.yaml'} --out {world / 'out'} --resume" in command.printed
