"""
How entries become rows: each value under the name of its column in `schema.sql`.

A table with a row an attempt is given as columns, since naming each value of each row would cost a tenth of the engine's time.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sparq_core.contract.records import Assessment, Child, Counts, Example, Judged, Problem, Verdict
from sparq_core.contract.sampling import Recorded
from sparq_core.contract.tally import Tally
from sparq_core.ledger.entries import Retried, StepRecord, Worked
from sparq_core.ledger.reader import VIEW

Row = dict[str, Any]
Columns = dict[str, Sequence[Any]]


def step(record: StepRecord, metrics: Mapping[str, float], tally: Tally, digest: str) -> Row:
    """The row of a step itself."""
    return {
        "round": record.round,
        "step": record.step,
        "horizon": record.horizon,
        "in_flight": record.in_flight,
        "parents": as_json(record.parents),
        "metrics": as_json(metrics),
        "tally": as_json(tally),
        "digest": digest,
    }


def problem(record: StepRecord, number: int, worked: Worked) -> Row:
    """A step's child, as it was proposed."""
    proposed, rejection = worked.proposed, worked.child.rejection
    return {
        "id": proposed.id,
        "round": record.round,
        "step": record.step,
        "child": number,
        "operator": proposed.operator,
        "statement": proposed.statement,
        "answer": proposed.answer,
        "solution": proposed.solution,
        "extra": as_json(proposed.extra),
        "ordinal": proposed.ordinal,
        "rejected_in": rejection.hook if rejection else None,
        "rejected_by": rejection.plugin if rejection else None,
        "rejected_why": rejection.reason if rejection else None,
        "content_digest": content_digest(proposed.statement, proposed.answer),
    }


def parentage(proposed: Problem) -> list[Row]:
    """The parents of a problem."""
    return [{"child": proposed.id, "ordinal": i, "parent": parent} for i, parent in enumerate(proposed.parents)]


def descriptors(child: Child) -> list[Row]:
    """How a problem was described."""
    return [
        {"view": VIEW, "problem": child.problem.id, "key": key, "value": as_json(value)}
        for key, value in sorted(child.descriptors.items())
    ]


def outcome(grading: int, judged: Problem, counts: Counts, solve_rate: float | None, said: Child | Assessment) -> Row:
    """What the attempts at a problem came to in a grading."""
    return {"grading": grading, "problem": judged.id, "answer": judged.answer, **_came_to(counts, solve_rate, said)}


def again(record: StepRecord, retried: Retried) -> Row:
    """What all attempts at a parent came to."""
    child = retried.child
    came_to = _came_to(child.counts, child.solve_rate, child)
    return {"round": record.round, "step": record.step, "problem": child.problem.id, **came_to}


def _came_to(counts: Counts, solve_rate: float | None, said: Child | Assessment) -> Row:
    """The columns that `outcome` and `again` share."""
    return {
        "correct": counts.correct,
        "incorrect": counts.incorrect,
        "unknown": counts.unknown,
        "solve_rate": solve_rate,
        "outcome": said.outcome,
        "reason": said.reason,
        "quality": said.quality,
    }


def completion(record: StepRecord, recorded: Recorded, model: int) -> Row:
    """A completion that was paid for."""
    return {
        "round": record.round,
        "step": record.step,
        "hook": recorded.hook,
        "plugin": recorded.plugin,
        "ordinal": recorded.ordinal,
        "role": recorded.role,
        "model": model,
        "seed": recorded.seed,
        "tokens": recorded.tokens,
        "prompt_tokens": recorded.prompt_tokens,
        "finish": recorded.finish,
        "text": recorded.text,
    }


def attempts(record: StepRecord, ids: Sequence[int], model: int, drawn: Sequence[tuple[str, Judged]]) -> Columns:
    """A step's attempts, each with its problem; their texts are kept apart."""
    n, made = len(drawn), [judged.attempt for _, judged in drawn]
    return {
        "id": ids,
        "problem": [id_ for id_, _ in drawn],
        "round": [record.round] * n,
        "step": [record.step] * n,
        "k": [attempt.k for attempt in made],
        "model": [model] * n,
        "seed": [attempt.seed for attempt in made],
        "tokens": [attempt.tokens for attempt in made],
        "prompt_tokens": [attempt.prompt_tokens for attempt in made],
        "finish": [attempt.finish for attempt in made],
    }


def text(record: StepRecord, problem: str, blob: bytes) -> Row:
    """The texts of the attempts at a problem, packed."""
    return {"problem": problem, "round": record.round, "step": record.step, "blob": blob}


def grading(id_: int, config: Mapping[str, Any]) -> Row:
    """A grading: who verifies and assesses, and how."""
    return {"id": id_, "plugins": as_json(list(config)), "config": as_json(config)}


def verdicts(grading: int, ids: Sequence[int], said: Sequence[Verdict]) -> Columns:
    """What was said of these attempts, in a grading."""
    return {
        "grading": [grading] * len(said),
        "attempt": ids,
        "value": [verdict.value for verdict in said],
        "reason": [verdict.reason for verdict in said],
        "plugin": [verdict.by for verdict in said],
        "answer": [verdict.answer for verdict in said],
    }


def curated(curation: int, examples: Sequence[Example]) -> Columns:
    """The chosen attempts, in the order of the dataset."""
    return {
        "curation": [curation] * len(examples),
        "ordinal": range(len(examples)),
        "problem": [example.problem for example in examples],
        "attempt": [example.attempt for example in examples],
    }


def content_digest(statement: str, answer: str | None) -> str:
    """Names a problem by its content."""
    return hashlib.blake2b(f"{statement}\x1f{answer}".encode(), digest_size=12).hexdigest()


def as_json(value: Any) -> str:
    """A value as the ledger's columns of JSON hold it."""
    return msgspec.json.encode(value, order="deterministic").decode()
