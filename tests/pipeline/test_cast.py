"""Plugins put together: what cannot be used, and who is asked in which order."""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.loop.trial import trial
from sparq_core.pipeline.discovery import load_class
from sparq_core.pipeline.prepare import load
from sparq_core.testing import run_pipeline

CODE = {
    "unmarked": ("def verify(self, trials): return []", "lacks @hookimpl"),
    "unknown argument": (
        "@sparq.hookimpl\n    def verify(self, trails): return []",
        "`verify` may name trials; it names 'trails'",
    ),
    "two owners in one": (
        "@sparq.hookimpl\n    def select(self, n): return []\n    @sparq.hookimpl\n    def assess(self, cases): return []",
        "implements select and assess: split it",
    ),
    "fails to import": ("raise RuntimeError('no luck')", "cannot be imported: RuntimeError: no luck"),
    "constructor without a type": (
        "def __init__(self, config): pass\n    @sparq.hookimpl\n    def assess(self, cases): return []",
        "asks for 'config', whose annotation is no record of options; declare one, `class BrokenConfig(msgspec.Struct)`",
    ),
    "needs a package": ("requires = {'no_such_module': 'sparq-x[y]'}", "pip install 'sparq-x[y]'"),
}


@pytest.mark.parametrize("name", CODE)
def test_a_plugin_that_cannot_be_used_stops_the_run_first(sums: Callable[..., Any], tmp_path: Path, name: str) -> None:
    body, message = CODE[name]
    (tmp_path / "broken.py").write_text(f"import sparq_core as sparq\nclass Broken:\n    {body}\n")
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "./broken.py:Broken"})
    with pytest.raises(sparq.PipelineError, match=re.escape(message)):
        run_pipeline(pipeline, tmp_path)
    assert not (tmp_path / "run").exists()


SAME = """
import sparq_core as sparq
class Same:
    @sparq.hookimpl
    def describe(self, cases): return [{"skills": ["a"]} for _ in cases]
"""


def test_two_describers_must_not_give_the_same_key(sums: Callable[..., Any], tmp_path: Path) -> None:
    pipeline = sums(steps=1)
    pipeline["plugins"].append({"use": "skills"})
    with pytest.raises(sparq.PipelineError, match="'skills#2' describes 'skills', and so does 'skills'"):
        run_pipeline(pipeline, tmp_path)
    (tmp_path / "same.py").write_text(SAME)
    pipeline["plugins"][-1] = {"use": "./same.py:Same"}
    with pytest.raises(sparq.PluginError, match="'skills' is described by another plugin, too"):
        run_pipeline(pipeline, tmp_path)


class Judge:
    """Says what it is told to."""

    def __init__(self, *verdicts: sparq.Verdict | None) -> None:
        self.verdicts = verdicts
        self.asked: list[int] = []

    @sparq.hookimpl
    def verify(self, trials: Sequence[sparq.Trial]) -> list[sparq.Verdict | None]:
        self.asked = [t.attempt.k for t in trials]
        return [self.verdicts[k] for k in self.asked]


def test_verifiers_are_a_chain() -> None:
    from sparq_core.pipeline.cast import Cast
    from sparq_core.pipeline.discovery import Member
    from sparq_core.testing import problem

    right, wrong = sparq.Verdict(value="correct"), sparq.Verdict(value="incorrect")
    timeout = sparq.Verdict(value="unknown", reason="timeout")
    first, second = Judge(right, None, timeout, timeout), Judge(wrong, wrong, None, right)
    cast = Cast([Member("first", "", first, None, ""), Member("second", "", second, None, "")])
    attempts = [sparq.Attempt(k=k, seed=k, text="x", finish="stop", tokens=1) for k in range(4)]
    verdicts = cast.verify("step 1.1", [sparq.Trial(problem(1), attempt) for attempt in attempts])
    assert second.asked == [1, 2, 3]
    assert [(verdict.value, verdict.by) for verdict in verdicts] == [
        ("correct", "first"),
        ("incorrect", "second"),
        ("unknown", "first"),
        ("correct", "second"),
    ]


def test_a_plugin_of_a_file_is_what_the_file_says_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "mine.py"
    for said in ("one", "two"):  # as long, and written in the same second, which is all that bytecode goes by
        path.write_text(f"class Mine:\n    said = '{said}'\n")
        os.utime(path, (1e9, 1e9))
        plugin, _ = load_class("./mine.py:Mine", "plugins[0]", tmp_path)
        assert plugin.said == said  # type: ignore[attr-defined]


SEEDS = """
import sparq_core as sparq
from msgspec import Struct
class Config(Struct):
    path: sparq.InputFile = "given.txt"
class Lines:
    def __init__(self, config: Config) -> None:
        self.path = config.path
    @sparq.hookimpl
    def start(self):
        self.file = open(self.path)
    @sparq.hookimpl
    def stop(self):
        self.file.close()
    @sparq.hookimpl
    def load_seeds(self):
        self.file.seek(0)
        for line in self.file:
            yield sparq.Draft(statement=line, answer="1", solution="1")
"""


def with_lines(sums: Callable[..., Any], folder: Path) -> dict[str, Any]:
    """A pipeline whose seeds are read from what its plugin opened, in the file that its option names by default."""
    (folder / "lines.py").write_text(SEEDS)
    (folder / "given.txt").write_text("What is 0 + 1?\nWhat is 1 + 0?\n")
    pipeline: dict[str, Any] = sums(steps=1)
    pipeline["plugins"][0] = {"use": "./lines.py:Lines"}
    return pipeline


def test_a_file_that_an_option_names_by_default_is_beside_the_pipeline(
    sums: Callable[..., Any], tmp_path: Path
) -> None:
    ran = run_pipeline(with_lines(sums, tmp_path), tmp_path)
    assert ran.ending.tally.seeds == 2


def test_a_preview_reads_no_seeds_once_its_plugins_have_stopped(sums: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(with_lines(sums, tmp_path)))
    tried = trial(load(path), lambda event: None)
    tried.ledger.close()
    assert tried.seeds == 2
