"""Values that are written by position stand under the names of their columns."""

import sparq_core as sparq
from sparq_core.ledger import rows
from sparq_core.ledger.entries import StepRecord

RECORD = StepRecord(round=2, step=7, horizon=5, in_flight=1, parents=(), model="m", worked=(), completions=())


def test_an_attempts_values_stand_under_their_columns() -> None:
    attempt = sparq.Attempt(k=3, seed=11, text="x", finish="length", tokens=13, prompt_tokens=17)
    (values,) = rows.attempts(RECORD, [5], 9, [("1.1.1", attempt)])
    named = dict(zip(rows.ATTEMPT, values, strict=True))
    assert named.pop("id") == 5
    assert (named.pop("problem"), named.pop("round"), named.pop("step"), named.pop("model")) == ("1.1.1", 2, 7, 9)
    assert named == {name: getattr(attempt, name) for name in ("k", "seed", "tokens", "prompt_tokens", "finish")}


def test_a_verdicts_values_stand_under_their_columns() -> None:
    verdict = sparq.Verdict(value="unknown", reason="timeout", by="sympy", answer="4")
    (values,) = rows.verdicts(2, [5], [verdict])
    named = dict(zip(rows.VERDICT, values, strict=True))
    assert (named.pop("grading"), named.pop("attempt"), named.pop("plugin")) == (2, 5, "sympy")
    assert named == {name: getattr(verdict, name) for name in ("value", "reason", "answer")}


def test_a_choices_values_stand_under_their_columns() -> None:
    examples = [sparq.Example(problem="1.1.1", attempt=5), sparq.Example(problem="1.1.2", attempt=21)]
    *_, values = rows.curated(3, examples)
    named = dict(zip(rows.CURATED, values, strict=True))
    assert named == {"curation": 3, "ordinal": 1, "problem": "1.1.2", "attempt": 21}
