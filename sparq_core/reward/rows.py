"""What trainers hand over, texts, chats and columns, as trials; and verdicts as numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sparq_core.contract.answers import marked_answer
from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import Attempt, Finish, Problem, Trial, Verdict
from sparq_core.contract.texts import LONGEST_TEXT, valid
from sparq_core.contract.thinking import without_thinking

VALUES = {"correct": 1.0, "incorrect": 0.0}


class UnknownRewardError(SparqError):
    """A verdict is unknown, and a trainer that knows no such thing was given no number for it."""


def value_of(verdict: Verdict) -> float | None:
    """1.0 for correct, 0.0 for incorrect, None for unknown."""
    return VALUES.get(verdict.value)


def number_of(verdict: Verdict, unknown: float | None) -> float:
    """As `value_of`, with a number for unknown; UnknownRewardError where there is none."""
    value = unknown if verdict.value == "unknown" else value_of(verdict)
    if value is None:
        raise UnknownRewardError(
            f"a completion cannot be judged ({verdict.reason}), and this trainer knows no such reward; set `unknown` to what "
            "it counts, such as 0.0 for a failure"
        )
    return value


def trial_of(
    completion: Any,
    *,
    problem: Any = "",
    answer: Any = None,
    extra: Any = None,
    finish: Finish = "stop",
) -> Trial:
    """
    A completion as a verifier is given it.

    `completion` and `problem` are texts or chats, of which the last turn counts; `answer` is the reference, None where there
    is none; `extra` the domain's own data, a mapping or one as JSON. `finish` is `length` for a completion that was cut. What a
    reasoning model thought, up to `</think>`, is left out.
    """
    text, reference = without_thinking(text_of(completion)), None if answer is None else valid(str(answer))
    if len(text) > LONGEST_TEXT:
        text, finish = text[:LONGEST_TEXT], "length"
    given = Problem(id="0.1.0", statement=text_of(problem), answer=reference, extra=extra_of(extra))
    return Trial(given, Attempt(k=0, seed=0, text=text, finish=finish, tokens=0))


def text_of(said: Any) -> str:
    """A text; of a chat its last turn, of a turn its content, of content in parts the texts among them."""
    while isinstance(said, Sequence) and not isinstance(said, str) and said and _is_turn(said[-1]):
        said = said[-1]["content"]
    if isinstance(said, Mapping):
        said = said.get("content") or ""
    if isinstance(said, Sequence) and not isinstance(said, str):
        said = "".join(str(part.get("text") or "") for part in said if isinstance(part, Mapping))
    return valid("" if said is None else str(said))


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, Mapping) and "content" in turn


def extra_of(extra: Any) -> dict[str, Any]:
    """The domain's own data: a mapping as it is, a text as JSON; what is no mapping of plain values is none."""
    if isinstance(extra, str):
        try:
            extra = msgspec.json.decode(extra)
        except (msgspec.DecodeError, RecursionError):
            return {}
    return dict(extra) if isinstance(extra, Mapping) else {}


def reference_of(columns: Mapping[str, Any]) -> Any:
    r"""The reference in a row: its `answer`, else what its `solution` marks by `\boxed{…}` or `####`, or says."""
    if columns.get("answer") is not None:
        return columns["answer"]
    solution = columns.get("solution")
    return None if solution is None else marked_answer(str(solution)) or solution
