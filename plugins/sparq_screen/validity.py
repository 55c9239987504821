"""How sure a model is that a problem can be solved at all, for archives and filters to weigh qualities by."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

import sparq_core as sparq
from sparq_screen.judge import JudgeConfig, says_yes


class ValidityConfig(JudgeConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `validity`."""

    votes: Annotated[sparq.Positive, Meta(description="Number of times each problem is judged.")] = 4


class Validity:
    """
    Describes a problem by `validity`: the share of yes among the votes that say yes or no; None where none does.

    With `weigh: validity` selectors and `curate` multiply qualities by it, so that what is hard because it is invalid
    breeds and teaches less. `judge` turns away outright, before attempts; this asks about kept problems only.
    """

    describes: ClassVar[Sequence[str]] = ("validity",)

    def __init__(self, config: ValidityConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def check(self) -> list[sparq.Finding]:
        sparq.check_template(self._config.prompt, "validity.with.prompt", problem=sparq.DUMMY_PROBLEM)
        return []

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case], llm: sparq.Llm) -> list[dict[str, float | None]]:
        n = self._config.votes
        prompts = [sparq.render(self._config.prompt, "validity.with.prompt", problem=case.problem) for case in cases]
        completions = llm(self._config.role).complete([p for p in prompts for _ in range(n)], self._config)
        said = [says_yes(completion.text) for completion in completions]
        return [{"validity": share_of_yes(said[i * n : (i + 1) * n])} for i in range(len(cases))]


def share_of_yes(votes: Sequence[bool | None]) -> float | None:
    """Of the votes that are one or the other; None where none is."""
    decided = [vote for vote in votes if vote is not None]
    return sum(decided) / len(decided) if decided else None
