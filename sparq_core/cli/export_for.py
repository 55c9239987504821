"""`sparq export --for`: a run's dataset as a trainer reads it, told."""

import json
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click

from sparq_core.contract.elsewhere import is_elsewhere, without_login
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Problem, Verdict
from sparq_core.contract.texts import inert
from sparq_core.publish.trainers.export import Exported, Order, export
from sparq_core.publish.trainers.row import Grade
from sparq_core.reward import Reward, trial_of

MOST_REASONS = 10


def export_for(order: Order, to: str | None, *, as_json: bool) -> None:
    """Export, with the run's own verifiers as the reward where the trainer has one, and tell what was written."""
    if to and is_elsewhere(to):
        raise PipelineError(f"{without_login(to)}: --for writes a folder on this machine; send it on from there")
    if order.system is not None and not order.format.system:
        raise PipelineError(f"--system: {order.format.name} takes system prompts from its own settings; leave it out")
    folder = Path(to) if to else order.run / "dataset" / order.format.name
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        with Reward(order.run) if order.format.rewarded else nullcontext() as reward:
            done = export(order, folder, grade_by(reward) if reward else _never)
    for message in dict.fromkeys(str(warning.message) for warning in warned):
        click.echo(f"warning: {inert(message)}", err=True)
    click.echo(json.dumps(_facts(order, done), indent=2) if as_json else "\n".join(map(inert, _told(order, done))))


def grade_by(reward: Reward) -> Grade:
    """The verdicts of a reward, from what trainers hand over to it."""

    def grade(asked: Sequence[tuple[Problem, str]]) -> list[Verdict]:
        return reward.grade([trial_of(text, problem=p.statement, answer=p.answer, extra=p.extra) for p, text in asked])

    return grade


def _never(asked: Sequence[tuple[Problem, str]]) -> list[Verdict]:
    """Of formats that have no reward."""
    raise NotImplementedError


def _facts(order: Order, done: Exported) -> dict[str, object]:
    return {
        "file": done.place,
        "format": order.format.name,
        "rows": sum(done.rows.values()),
        "files": done.rows,
        "left_out": sum(done.left_out.values()),
        "left_out_because": done.left_out,
    }


def _told(order: Order, done: Exported) -> list[str]:
    files = ", ".join(f"{count:,} in {file}" for file, count in done.rows.items())
    told = [f"{sum(done.rows.values()):,} {order.format.what} in {done.place}: {files}"]
    if done.left_out:
        told.append(f"left out {sum(done.left_out.values()):,} problems:")
        told += [f"  {count:,}  {reason}" for reason, count in list(done.left_out.items())[:MOST_REASONS]]
    return [*told, f"use it with: {done.use}"]
