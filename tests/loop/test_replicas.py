"""What a run tells of a sampler's replicas, over sessions in which they come and go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from runs import sparq_command

from sparq_core.testing import run_pipeline

MODEL = """
import sparq_core as sparq
from sparq_core.testing import ScriptedSampler


class Two(ScriptedSampler):
    drawn = lost = 0

    @property
    def by_replica(self):
        return {"one": (self.drawn, self.lost), "two": (0, 1)}

    def sample(self, requests):
        self.drawn += sum(request.n for request in requests)
        return super().sample(requests)


class Model:
    @sparq.hookimpl
    def sampler(self):
        return Two()
"""


def test_replicas_are_told_and_losses_add_up_over_sessions(sums: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(MODEL)
    models = {"student": {"use": "./two.py:Model", "model": "sums"}}
    first = run_pipeline(sums(steps=1, models=models), tmp_path).ending.tally.replicas["student"]
    assert (first.number, first.least, first.lost) == (2, 0, 1)
    assert first.most > 0
    ran = run_pipeline(sums(steps=2, models=models), tmp_path, resume=True)
    again = ran.ending.tally.replicas["student"]
    assert again.lost == 2
    told = " ".join(sparq_command("status", str(ran.folder)).split())
    assert f"2 replicas of student: each drew 0 to {again.most:,} completions; lost 2 times" in told
    sparq_command("report", str(ran.folder))
    assert '<th scope="row">replicas of student</th><td>2</td>' in (ran.folder / "report.html").read_text()


def test_a_model_without_replicas_tells_of_none(sums: Callable[..., Any], tmp_path: Path) -> None:
    assert run_pipeline(sums(steps=1), tmp_path).ending.tally.replicas == {}
