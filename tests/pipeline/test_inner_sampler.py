"""A sampler plugin that another one opens: its options, what it finds wrong, how it is started, closed and stopped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import sparq_core as sparq
from sparq_core.pipeline import prepare

MODEL = sparq.Model(name="student", path="sums", digest="d")
REQUEST = sparq.Request(messages=(sparq.Message("user", "What is 1 + 1?"),), seed=1, sampling=sparq.Sampling())
WATCHED = """
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler

class Sampler(ScriptedSampler):
    def close(self):
        self.warn("closed")

class Watched:
    @sparq.hookimpl
    def check(self, model):
        return [sparq.Finding(level="note", place="model", message=model.name)]

    @sparq.hookimpl
    def start(self, run, warn):
        self._warn = warn
        warn("started")

    @sparq.hookimpl
    def sampler(self):
        served = Sampler()
        served.warn = self._warn
        return served

    @sparq.hookimpl
    def stop(self):
        self._warn("stopped")
"""


@pytest.fixture
def run(sums: Callable[..., Any], tmp_path: Path) -> sparq.Run:
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(sums()))
    (tmp_path / "watched.py").write_text(WATCHED)
    return prepare.load(tmp_path / "p.yaml").run


def test_it_is_started_before_and_closed_and_stopped_after(run: sparq.Run) -> None:
    told: list[str] = []
    with sparq.InnerSampler("./watched.py:Watched", {}, MODEL, run).opened(told.append) as sampler:
        assert told == ["started"]
        ((completion,),) = sampler.sample([REQUEST])
        assert completion.text
    assert told == ["started", "closed", "stopped"]


def test_it_is_closed_where_its_user_fails(run: sparq.Run) -> None:
    told: list[str] = []
    inner = sparq.InnerSampler("./watched.py:Watched", {}, MODEL, run)
    with pytest.raises(ZeroDivisionError), inner.opened(told.append):
        _ = 1 / 0
    assert told == ["started", "closed", "stopped"]


def test_what_it_finds_is_placed_in_the_options_of_the_outer_one(run: sparq.Run) -> None:
    (note,) = sparq.InnerSampler("./watched.py:Watched", {}, MODEL, run).check()
    assert (note.place, note.message) == ("model", "student")
    (url,) = sparq.InnerSampler("openai", {"base_url": "nowhere"}, MODEL, run).check()
    assert url.place == "with.options.base_url"


def test_what_it_is_not_is_an_error_of_the_pipeline(run: sparq.Run) -> None:
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.with\.sampler: no plugin named 'scriptd'"):
        sparq.InnerSampler("scriptd", {}, MODEL, run)
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.with\.sampler: plugin 'skills' is no sampler"):
        sparq.InnerSampler("skills", {}, MODEL, run)
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.with\.options: unknown setting 'dealy'"):
        sparq.InnerSampler("scripted", {"dealy": 1}, MODEL, run)
