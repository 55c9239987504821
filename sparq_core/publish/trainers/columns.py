"""Columns that several formats have."""

import msgspec

from sparq_core.ledger.dataset_columns import SKILLS, TABLE, Column
from sparq_core.publish.trainers.row import answer

_OURS = {column.name: column for column in TABLE}
_MEASURED = ("solve_rate", "solve_rate_low", "solve_rate_high", "num_correct", "num_attempts", "num_unknown")
_PLAIN = msgspec.json.Encoder()

PROMPT = Column("prompt", "chat", "what the model is asked", lambda row: row.prompt)
PROBLEM, ANSWER = _OURS["problem"], _OURS["answer"]._replace(meaning="the reference answer")
SOLUTION = Column(
    "solution", "text", "the reference as a solution states it: the reward calls it correct", lambda row: row.right
)
COMPLETION = Column("completion", "chat", "an attempt that was chosen", lambda row: answer(row.right))
CHOSEN = Column("chosen", "chat", "an attempt that is right", lambda row: answer(row.right))
REJECTED = Column("rejected", "chat", "one that is wrong, of about its length", lambda row: answer(row.wrong))
EXTRA = Column(
    "extra",
    "text",
    "the problem's own data, as JSON",
    lambda row: _PLAIN.encode(row.asked.child.problem.extra).decode(),
)
ID = Column("id", "text", "of the problem: `round.step.child`", lambda row: row.asked.child.problem.id)
LABELS = _OURS[SKILLS]._replace(meaning="its skills, sorted", optional=False)
MEASURED = tuple(_OURS[name] for name in _MEASURED)
"""How often the run's own model was right."""
ABOUT = (ID, *MEASURED, LABELS)
"""What trainers carry along."""


def struct(name: str, meaning: str, *fields: Column) -> Column:
    """A column that is made of others."""
    return Column(name, "struct", meaning, lambda row: {field.name: field.fill(row) for field in fields}, fields=fields)


def constant(name: str, value: str, meaning: str) -> Column:
    """A column that is the same in every row."""
    return Column(name, "text", meaning, lambda _: value)
