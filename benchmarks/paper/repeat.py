"""The control without generation: attempts are spent on the seeds themselves, and no problem is written."""

from collections.abc import Sequence

import sparq_core as sparq


class Repeat:
    """Proposes the parents themselves."""

    @sparq.hookimpl
    def propose(self, parents: Sequence[sparq.Problem]) -> list[sparq.Draft]:
        return [
            sparq.Draft(statement=p.statement, answer=p.answer, solution=p.solution, parents=(p.id,), operator="repeat")
            for p in parents
        ]
