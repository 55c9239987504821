"""The smallest SPARQ plugin, whole."""

from collections.abc import Sequence

import sparq_core as sparq


class WordCount:
    """Describes a problem by `words`: how many words it takes to state."""

    describes = ("words",)

    @sparq.hookimpl
    def describe(self, cases: Sequence[sparq.Case]) -> list[dict[str, float]]:
        return [{"words": float(len(case.problem.statement.split()))} for case in cases]
