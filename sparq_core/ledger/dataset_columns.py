"""The columns of the dataset: name, kind, meaning, and how a row fills them."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

from sparq_core.contract.records import Child
from sparq_core.ledger.intervals import Interval
from sparq_core.ledger.reader import DESCRIBED, Drawn, Reader

Kind = Literal["text", "number", "integer", "boolean", "list of texts", "chat", "JSON", "struct"]


class Asked(NamedTuple):
    """A problem, as the rows of its attempts share it."""

    child: Child
    round: int
    step: int
    prompt: str
    interval: Interval


class Row(NamedTuple):
    """A chosen attempt at a problem."""

    asked: Asked
    drawn: Drawn


class Column(NamedTuple):
    """One column."""

    name: str
    kind: Kind
    meaning: str
    fill: Callable[[Any], Any]
    """From a `Row`, or from whatever else the rows of a table are made of."""
    optional: bool = False
    """Only there where the ledger has something to put in."""
    fields: tuple["Column", ...] = ()
    """Of a struct: what it is made of."""
    of_attempt: bool = False
    """Whether rows of one problem differ in it."""


def chat(prompt: str, solution: str) -> list[dict[str, str]]:
    """What a trainer takes."""
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": solution}]


SKILLS = "skills"
TABLE = (
    Column("problem", "text", "the statement", lambda row: row.asked.child.problem.statement),
    Column("solution", "text", "the attempt's text", lambda row: row.drawn.text, of_attempt=True),
    Column(
        "answer",
        "text",
        "the reference answer its attempts were judged by",
        lambda row: row.asked.child.problem.answer,
    ),
    Column(
        "messages",
        "chat",
        "what a trainer takes: the attempt's prompt, the attempt",
        lambda row: chat(row.asked.prompt, row.drawn.text),
        of_attempt=True,
    ),
    Column(
        "solve_rate",
        "number",
        "correct / (correct + incorrect); corrected where a policy stopped early",
        lambda row: row.asked.child.solve_rate,
    ),
    Column(
        "solve_rate_low",
        "number",
        "lower bound of its 95% interval: exact, or the rate where a policy corrected it to below that",
        lambda row: row.asked.interval.low,
    ),
    Column(
        "solve_rate_high",
        "number",
        "upper bound of its 95% interval: exact, or the rate where a policy corrected it to above that",
        lambda row: row.asked.interval.high,
    ),
    Column("num_attempts", "integer", "attempts at the problem", lambda row: row.asked.child.counts.drawn),
    Column("num_correct", "integer", "those judged correct", lambda row: row.asked.child.counts.correct),
    Column("num_unknown", "integer", "those nobody could judge", lambda row: row.asked.child.counts.unknown),
    Column(
        SKILLS,
        "list of texts",
        "labels, sorted; only in a run that describes `skills`",
        lambda row: row.asked.child.descriptors.get(SKILLS) or [],
        optional=True,
    ),
    Column("quality", "number", "what the archive ranks by", lambda row: row.asked.child.quality),
    Column(
        "parent_id",
        "text",
        "the parent's id; several are joined by commas; empty for a seed",
        lambda row: ",".join(row.asked.child.problem.parents),
    ),
    Column("round", "integer", "the round it was made in; 0 for a seed", lambda row: row.asked.round),
    Column("step", "integer", "the step of that round", lambda row: row.asked.step),
    Column("model", "text", "digest of the weights that solved it", lambda row: row.drawn.model, of_attempt=True),
    Column(
        "id",
        "text",
        "`round.step.child/k`",
        lambda row: f"{row.asked.child.problem.id}/{row.drawn.k}",
        of_attempt=True,
    ),
    Column(
        "extra",
        "JSON",
        "the problem's `extra`: an object, in Parquet as JSON; only where some problem of the run has one",
        lambda row: row.asked.child.problem.extra,
        optional=True,
    ),
)
"""The dataset's own columns, in their order; descriptors come after these."""
COLUMNS = frozenset(column.name for column in TABLE) - {SKILLS}
"""Names that no descriptor may have."""


def columns_of(ledger: Reader) -> list[Column]:
    """The columns of a ledger's dataset."""
    described = _described(ledger)
    present = described.keys() | ({"extra"} if _has_extra(ledger) else set())
    own = [column for column in TABLE if column.name in present or not column.optional]
    taken = {column.name for column in TABLE}
    return own + [
        Column(key, kind, "a descriptor", partial(_descriptor, key))
        for key, kind in described.items()
        if key not in taken
    ]


def _descriptor(key: str, row: Row) -> Any:
    return row.asked.child.descriptors.get(key)


def _has_extra(ledger: Reader) -> bool:
    return any(ledger.query("SELECT 1 FROM problem WHERE extra <> '{}' LIMIT 1"))


def _described(ledger: Reader) -> dict[str, Kind]:
    """The descriptors of a ledger by name, each with what its values are."""
    types: dict[str, set[str]] = {}
    for key, type_ in ledger.query(
        "SELECT DISTINCT key, json_type(value) FROM descriptor WHERE key <> ? ORDER BY key", DESCRIBED
    ):
        types.setdefault(key, set()).add(type_)
    return {key: _kind(found - {"null"}) for key, found in types.items()}


def _kind(types: set[str]) -> Kind:
    """What values of these JSON types have in common."""
    kinds: dict[Kind, set[str]] = {
        "text": {"text"},
        "number": {"integer", "real"},
        "boolean": {"true", "false"},
        "list of texts": {"array"},
    }
    return next((kind for kind, fitting in kinds.items() if types <= fitting), "JSON")
