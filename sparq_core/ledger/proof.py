"""Committed steps read back whole, and held to their digests: that nothing of them was changed since."""

import sqlite3
from collections.abc import Iterator
from itertools import groupby, islice, product

import msgspec
import zstandard
from msgspec.structs import replace

from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import ASKING, Case, Child, Problem, Rejection
from sparq_core.contract.sampling import Recorded
from sparq_core.ledger.entries import Retried, StepRecord, Worked, chained
from sparq_core.ledger.reader import LATER, Reader

MOST_SPLITS = 10_000
"""How many ways of telling a step's own completions from those of later labels are tried."""

UNREADABLE = (
    sqlite3.Error,
    zstandard.ZstdError,
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
)
"""What reading damaged rows may raise; sqlite3 itself a UnicodeDecodeError, where a table's name is damaged."""

Asked = tuple[Recorded, ...]


class Damaged(SparqError):  # noqa: N818 -- what a ledger is, rather than what went wrong
    """A ledger does not hold what was committed."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.add_note("the ledger was damaged or changed by hand: `sparq doctor RUN` says what can be recovered")


class Proof:
    """Makes the digests of committed steps again from their rows."""

    def __init__(self, ledger: Reader) -> None:
        self._ledger = ledger
        self._order = {name: i for i, name in enumerate(names_of(ledger))}

    def record(self, round: int, step: int) -> StepRecord:
        """A step as it was committed, all but its schedule; Damaged where its rows are not those its digest was made of."""
        try:
            found = self._record(round, step)
        except UNREADABLE as error:
            raise Damaged(f"step {round}.{step}: cannot be read: {error}") from error
        if found is None:
            raise Damaged(f"step {round}.{step}: its rows are not those that its digest was made of")
        return found

    def _record(self, round: int, step: int) -> StepRecord | None:
        digest, before = self._digests(round, step)
        rows, completions = self._rows(round, step), self._completions(round, step)
        for model in self._models(round, step):
            for asked in self._splits(round, step, completions):
                record = replace(rows, model=model, completions=asked)
                if chained(before, record) == digest:
                    return record
        return None

    def _digests(self, round: int, step: int) -> tuple[str, str]:
        """Of a step, and of the one before it."""
        found = self._ledger.query(
            "SELECT digest FROM step WHERE (round, step) <= (?, ?) ORDER BY round DESC, step DESC LIMIT 2", round, step
        )
        digest, before = islice((*(digest for (digest,) in found), ""), 2)
        return digest, before

    def _rows(self, round: int, step: int) -> StepRecord:
        """What the rows of the children and of the parents attempted again say."""
        committed, row = self._ledger.step(round, step), self._ledger.step_row(round, step)
        proposed = self._ledger.proposed(round, step)
        return StepRecord(
            round=round,
            step=step,
            horizon=row.horizon,
            in_flight=1,
            parents=row.parents,
            model="",
            worked=tuple(self._worked(*each, child) for each, child in zip(proposed, committed.children, strict=True)),
            completions=(),
            again=tuple(self._retried(child, round, step) for child in committed.again),
        )

    def _worked(self, proposed: Problem, rejection: Rejection | None, child: Child) -> Worked:
        if rejection:
            return Worked(proposed=proposed, child=child, case=None)
        judged = tuple(self._ledger.judged(proposed.id))
        return Worked(proposed=proposed, child=child, case=Case(child.problem, judged, child.counts, child.solve_rate))

    def _retried(self, child: Child, round: int, step: int) -> Retried:
        return Retried(child=child, judged=tuple(self._ledger.judged_at(child.problem.id, round, step)))

    def _models(self, round: int, step: int) -> list[str]:
        """The digest of the weights that attempted; where nothing was drawn, those it may have been."""
        drew = self._ledger.query(
            "SELECT DISTINCT digest FROM (SELECT id, round, step FROM problem WHERE (round, step) = (?, ?)"
            " UNION SELECT problem, round, step FROM again WHERE (round, step) = (?, ?)) p"
            " CROSS JOIN attempt a ON (a.problem, a.round, a.step) = (p.id, p.round, p.step) JOIN model m ON m.id = a.model",
            *(round, step) * 2,
        )
        known = self._ledger.query("SELECT digest FROM model UNION SELECT digest FROM phase WHERE name = 'train'")
        return [digest for (digest,) in drew] or ["", *(digest for (digest,) in known)]

    def _completions(self, round: int, step: int) -> Asked:
        """All completions of a step, in the order of the calls."""
        found = self._ledger.query(
            "SELECT hook, plugin, ordinal, role, digest, seed, finish, tokens, text, prompt_tokens"
            " FROM completion c JOIN model m ON m.id = c.model WHERE round = ? AND step = ? ORDER BY ordinal",
            round,
            step,
        )
        asked = (Recorded(**dict(zip(Recorded.__struct_fields__, row, strict=True))) for row in found)
        last = len(self._order)
        return tuple(sorted(asked, key=lambda c: (ASKING.index(c.hook), self._order.get(c.plugin, last), c.plugin)))

    def _splits(self, round: int, step: int, asked: Asked) -> Iterator[Asked]:
        """
        The step's own completions, where some may be of labels given later: those of `describe`, from some ordinal on.

        The ledger does not tell the two apart otherwise than by the step's digest.
        """
        later = self._ledger.query(
            "SELECT 1 FROM descriptor d JOIN problem p ON p.id = d.problem WHERE d.view = ? AND p.round = ? AND p.step = ?"
            " LIMIT 1",
            LATER,
            round,
            step,
        )
        yield asked
        if not next(later, None):
            return
        parts = [list(part) for _, part in groupby(asked, key=lambda c: (c.hook, c.plugin))]
        cuts = [range(len(part), -1, -1) if part[0].hook == ASKING[-1] else [len(part)] for part in parts]
        for cut in islice(product(*cuts), 1, MOST_SPLITS):
            yield tuple(c for part, most in zip(parts, cut, strict=True) for c in part[:most])


def names_of(ledger: Reader) -> list[str]:
    """The names of a run's plugins, in the order of its pipeline."""
    uses = [entry.use for entry in ledger.pipeline().plugins]
    return [f"{use}#{twins}" if (twins := uses[: i + 1].count(use)) > 1 else use for i, use in enumerate(uses)]
