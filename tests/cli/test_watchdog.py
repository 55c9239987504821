"""The watchdog: who has been answering for long, and whose time the waiting for others is."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import Command

from sparq_core import hookspecs
from sparq_core.cli import watchdog
from sparq_core.cli.watchdog import Watchdog
from sparq_core.contract.errors import PluginError
from sparq_core.pipeline import calls
from sparq_core.pipeline.calls import Call, answering


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(calls, "time", clock)
    return clock


def call(hook: Callable[..., Any], plugin: str = "slow") -> Call:
    return Call(plugin, "plugins[1]", hook, "step 1.2")


def test_it_warns_after_a_minute_and_at_each_doubling_once_for_a_plugin_and_hook(clock: Clock) -> None:
    warned = list[str]()
    dog = Watchdog(warned.append, lambda _: pytest.fail("ended"), None)
    for _ in range(2):  # the second time it only warns of what is longer yet
        with call(hookspecs.screen):
            for _ in range(200):
                clock.now += 1
                dog.look()
    assert [message.split(" for ")[1].split(" s;")[0] for message in warned] == ["61", "123"]
    assert warned[0].startswith("plugin 'slow' (plugins[1]), hook `screen`, step 1.2: has been running")


def test_models_and_what_loads_have_ten_minutes_and_phases_as_long_as_they_take(clock: Clock) -> None:
    warned = list[str]()
    dog = Watchdog(warned.append, lambda _: pytest.fail("ended"), 1000.0)
    for hook, seconds in ((hookspecs.sampler, 599), (hookspecs.curate, 599), (hookspecs.train, 9e6)):
        with call(hook):
            clock.now += seconds
            dog.look()
    assert not warned


def test_the_wait_for_a_model_is_the_models(clock: Clock) -> None:
    with call(hookspecs.propose):
        clock.now += 5
        with call(hookspecs.sampler, "models.student"):
            clock.now += 100
            assert [(c.hook, seconds) for c, seconds in answering()] == [("sampler", 100.0), ("propose", 5.0)]
        clock.now += 7
        assert [(c.hook, seconds) for c, seconds in answering()] == [("propose", 12.0)]
    assert not list(answering())


def test_threads_have_calls_of_their_own(clock: Clock) -> None:
    def answer() -> None:
        with call(hookspecs.screen):
            clock.now += 3

    with call(hookspecs.commit):
        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()
        assert [(c.hook, seconds) for c, seconds in answering()] == [("commit", 3.0)]


def test_past_a_limit_it_ends_the_run(clock: Clock) -> None:
    ended = list[PluginError]()
    dog = Watchdog(lambda _: None, ended.append, 30.0)
    with call(hookspecs.screen):
        clock.now += 31
        dog.look()
    assert "hook `screen`, step 1.2: has been running for 31 s" in str(ended[0])


SLEEPS = """
import time
import sparq_core as sparq


class Sleeps:
    @sparq.hookimpl
    def HOOK(self, ARGUMENT):
        if HERE:
            time.sleep(1000)
        return [None for _ in ARGUMENT] if "HOOK" != "commit" else None
"""


@pytest.mark.parametrize(("hook", "argument", "here"), [("screen", "children", "1"), ("commit", "step", "step.round")])
def test_a_run_whose_plugin_never_answers_ends_by_choice(
    sums: Callable[..., Any], tmp_path: Path, hook: str, argument: str, here: str
) -> None:
    (tmp_path / "sleeps.py").write_text(
        SLEEPS.replace("HOOK", hook).replace("ARGUMENT", argument).replace("HERE", here)
    )
    pipeline = sums(steps=2, batch=3, attempts={"k": 4})
    pipeline["plugins"].append({"use": "./sleeps.py:Sleeps"})
    (tmp_path / "sums.json").write_text(json.dumps(pipeline))
    arguments = ["run", str(tmp_path / "sums.json"), "--out", str(tmp_path / "run"), "--hook-limit", "4"]
    command = Command(tmp_path, *arguments, before=lambda: setattr(watchdog, "EVERY", 0.1))
    assert command.end() == 1, command.printed
    assert f"hook `{hook}`, step" in command.printed
    assert "longer than --hook-limit allows" in command.printed
    assert "--resume" in command.printed
