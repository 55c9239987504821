"""
How entries become rows: each value under the name of its column in `schema.sql`.

Of tables with a row an attempt the columns are named once, since naming each value would cost a tenth of the engine's time.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from sparq_core.contract.records import Assessment, Attempt, Child, Counts, Example, Problem, Verdict
from sparq_core.contract.sampling import Place, Recorded
from sparq_core.contract.tally import Tally
from sparq_core.ledger.entries import Retried, StepRecord, Worked

Row = dict[str, Any]
Values = tuple[Any, ...]
Drawn = tuple[str, Attempt]
ATTEMPT = ("id", "problem", "round", "step", "k", "model", "seed", "tokens", "prompt_tokens", "finish")
VERDICT = ("grading", "attempt", "value", "reason", "plugin", "answer")
CURATED = ("curation", "ordinal", "problem", "attempt")
"""The columns that `attempts`, `verdicts` and `curated` give the values of."""


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


def change(setting: str, before: Any, after: Any) -> Row:
    """A setting of the identity that was accepted to be another from here on."""
    return {"setting": setting, "before": as_json(before), "after": as_json(after)}


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


def descriptors(view: int, problem: str, described: Mapping[str, Any]) -> list[Row]:
    """How a problem is described in a view."""
    return [
        {"view": view, "problem": problem, "key": key, "value": as_json(value)}
        for key, value in sorted(described.items())
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


def completion(place: StepRecord | Place, recorded: Recorded, model: int) -> Row:
    """A completion that was paid for in a step."""
    return {
        "round": place.round,
        "step": place.step,
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


def attempts(record: StepRecord, ids: Iterable[int], model: int, drawn: Iterable[Drawn]) -> list[Values]:
    """A step's attempts, each with its problem; their texts are kept apart."""
    round_, step_ = record.round, record.step
    return [
        (id_, problem_, round_, step_, a.k, model, a.seed, a.tokens, a.prompt_tokens, a.finish)
        for id_, (problem_, a) in zip(ids, drawn, strict=True)
    ]


def text(record: StepRecord, problem: str, blob: bytes) -> Row:
    """The texts of the attempts at a problem, packed."""
    return {"problem": problem, "round": record.round, "step": record.step, "blob": blob}


def grading(id_: int, config: Mapping[str, Any]) -> Row:
    """A grading: who verifies and assesses, and how."""
    plugins = [name for name, how in config.items() if isinstance(how, Mapping)]
    return {"id": id_, "plugins": as_json(plugins), "config": as_json(config)}


def verdicts(grading: int, ids: Iterable[int], said: Iterable[Verdict]) -> list[Values]:
    """What was said of these attempts, in a grading."""
    return [(grading, id_, v.value, v.reason, v.by, v.answer) for id_, v in zip(ids, said, strict=True)]


def curated(curation: int, examples: Iterable[Example]) -> Iterator[Values]:
    """The chosen attempts, in the order of the dataset."""
    return ((curation, i, example.problem, example.attempt) for i, example in enumerate(examples))


def content_digest(statement: str, answer: str | None) -> str:
    """Names a problem by its content."""
    return hashlib.blake2b(f"{statement}\x1f{answer}".encode(), digest_size=12).hexdigest()


def as_json(value: Any) -> str:
    """A value as the ledger's columns of JSON hold it."""
    return msgspec.json.encode(value, order="deterministic").decode()
