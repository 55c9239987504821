"""
The reward as Inspect calls it: a scorer, which tasks that `sparq export --for inspect` wrote have.

Unknown is no score, which Inspect leaves out of the mean.
"""

from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

from sparq_core.reward.rows import trial_of
from sparq_core.reward.shared import shared


@scorer(metrics=[accuracy(), stderr()])  # type: ignore[untyped-decorator]  # its types are not read
def sparq_scorer() -> Scorer:
    """Whether an answer is right, as the run's own verifiers judge it. The run is the one that `SPARQ_REWARD` names."""

    async def score(state: TaskState, target: Target) -> Score:
        row, output = state.metadata, state.output
        trial = trial_of(
            output.completion,
            problem=row.get("problem") or state.input_text,
            answer=row.get("answer", target.text),
            extra=row.get("extra"),
            finish="length" if output.stop_reason in {"max_tokens", "model_length"} else "stop",
        )
        (verdict,) = await shared().agrade([trial])
        if verdict.value == "unknown":
            return Score.unscored(explanation=verdict.reason)
        value = CORRECT if verdict.value == "correct" else INCORRECT
        return Score(value=value, answer=verdict.answer, explanation=verdict.reason)

    return score
