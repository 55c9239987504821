"""What lies in a study's folder: where its runs are, and what they drew."""

from pathlib import Path

from sparq_core.contract.tally import Tally
from sparq_core.ledger import overview
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.study.ended import ENDED, ended
from sparq_core.study.plan import Plan, Planned, Pool


class Folders:
    """The runs of a plan below one folder."""

    def __init__(self, plan: Plan, root: Path) -> None:
        self._plan, self._root = plan, root

    def pool(self, name: str) -> Path:
        """The run folder of a pool."""
        return self._root / "pools" / name

    def cell(self, planned: Planned) -> Path:
        """The run folder of a cell."""
        return self._root / "cells" / planned.cell.name

    def needed(self, pool: Pool) -> bool:
        """Whether a cell or a longer pool has yet to begin from a pool; one that is not needed any more may be deleted."""
        cells = any(p.pool == pool.name and not is_there(self.cell(p)) for p in self._plan.cells)
        longer = (p for p in self._plan.pools if p.start == pool.name and not is_begun(self.pool(p.name)))
        return cells or any(map(self.needed, longer))

    def drawn(self) -> dict[str, int]:
        """What the study has sampled so far: attempts, tokens and prompt tokens, those of pools counted once."""
        pools = {pool.name: self._of_pool(pool.name) for pool in self._plan.pools}
        shares = [(pools[pool.name], pools[pool.start] if pool.start else Tally()) for pool in self._plan.pools]
        shares += [(tally_of(self.cell(p)), pools[p.pool]) for p in self._plan.cells if is_there(self.cell(p))]
        names = ("attempts", "tokens", "prompt_tokens")
        return {name: sum(getattr(own, name) - getattr(before, name) for own, before in shares) for name in names}

    def _of_pool(self, name: str) -> Tally:
        """The counters of a pool, by a cell that went on from it where the pool itself was deleted."""
        if is_there(self.pool(name)):
            return tally_of(self.pool(name))
        cells = (self.cell(p) for p in self._plan.cells if p.pool == name and is_there(self.cell(p)))
        return next((_first_round(cell) for cell in cells), Tally())


def is_begun(folder: Path) -> bool:
    """Whether there is a run in a folder."""
    return (folder / DATABASE).exists()


def is_there(folder: Path) -> bool:
    """Whether there is a run in a folder, or at least the note of one that is through."""
    return is_begun(folder) or (folder / ENDED).exists()


def tally_of(folder: Path) -> Tally:
    """The counters of a run folder; zeros where there is no run yet."""
    if note := ended(folder):
        return note.tally
    if not is_begun(folder):
        return Tally()
    with Reader.open(folder) as ledger:
        return ledger.tally()


def _first_round(folder: Path) -> Tally:
    if note := ended(folder):
        return note.first
    with Reader.open(folder) as ledger:
        return overview.tally_after(ledger, min(1, ledger.last_round()))
