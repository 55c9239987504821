"""A study's runs: pools generated once, cells forked from them, each gone on with after a kill as any run is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from msgspec import Struct

from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import NothingToTrainOn, PipelineError
from sparq_core.contract.tally import Tally
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.storage import DATABASE
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending, Rounds
from sparq_core.loop.session import Observer
from sparq_core.pipeline.prepare import Prepared, anew
from sparq_core.study.plan import Plan, Planned, Pool

ENDED = "ended.json"
"""The file in a run folder of a study that says its run is through, and how it ended."""
INTERRUPTED = 4
"""The exit code of a run that was asked to stop."""
Watch = Callable[[str], AbstractContextManager[Observer]]
"""Shows a run while it works, under a title."""


class Ended(Struct, frozen=True):
    """How a run of a study ended."""

    reason: str
    exit_code: int


class Conductor:
    """All runs of one study in one folder."""

    def __init__(self, plan: Plan, folder: Path, watch: Watch, interrupted: Callable[[], bool]) -> None:
        self._plan, self._folder, self._watch, self._interrupted = plan, folder, watch, interrupted
        self._scored: dict[str, Path] = {}
        self._begun = 0

    def go(self) -> bool:
        """Everything that is not done yet; False where it was interrupted."""
        for planned in self._plan.cells:
            _check_there(planned, self.folder_of(planned))
        for pool in self._plan.pools:
            if not self._pool(pool):
                return False
            for planned in self._plan.cells:
                if planned.pool == pool.name and not self._cell(planned):
                    return False
        return True

    def folder_of(self, planned: Planned) -> Path:
        """A cell's run folder."""
        return self._folder / "cells" / planned.cell.name

    def _pool(self, pool: Pool) -> bool:
        folder = self._folder / "pools" / pool.name
        if pool.start and not (folder / DATABASE).exists():
            session.fork(pool.prepared, folder, self._folder / "pools" / pool.start)
        return self._run(f"pool {pool.name}", pool.prepared, folder, Rounds.pool)

    def _cell(self, planned: Planned) -> bool:
        folder = self.folder_of(planned)
        if not (folder / DATABASE).exists():
            scored = self._scored.get(planned.base or "")
            session.fork(planned.prepared, folder, self._folder / "pools" / planned.pool, scored)
        done = self._run(f"cell {planned.cell.name}", planned.prepared, folder, Rounds.go)
        if planned.base and done:
            self._scored.setdefault(planned.base, folder)
        return done

    def _run(self, title: str, prepared: Prepared, folder: Path, go: Callable[[Rounds], Ending]) -> bool:
        """Go on with one run until it is through; False where it was interrupted."""
        self._begun += 1
        if (folder / ENDED).exists():
            return True
        of = len(self._plan.pools) + len(self._plan.cells)
        try:
            with self._watch(f"{self._begun} of {of}: {title}") as observer:
                ending = session.execute(
                    anew(prepared),
                    folder,
                    resume=True,
                    observers=[observer],
                    interrupted=self._interrupted,
                    go=go,
                    checked=True,
                )
            ended = Ended(ending.reason, ending.exit_code)
        except NothingToTrainOn as error:
            ended = Ended(str(error), error.exit_code)
        if ended.exit_code == INTERRUPTED:
            return False
        partial = folder / f"{ENDED}.partial"
        partial.write_bytes(msgspec.json.encode(ended))
        partial.rename(folder / ENDED)
        return True


def _check_there(planned: Planned, folder: Path) -> None:
    """PipelineError where a cell's folder holds something that this study cannot go on with."""
    if not (folder / DATABASE).exists():
        return
    session.check_same(folder, planned.prepared)
    with Reader.open(folder) as ledger:
        before, now = ledger.pipeline(), planned.pipeline
    if (before.steps, before.budget, before.rounds > 0) != (now.steps, now.budget, now.rounds > 0):
        raise PipelineError(
            f"{folder}: was made with {_told(before)}, the study now has {_told(now)}; set them back, or give another --out"
        )
    if before.rounds != now.rounds:
        (folder / ENDED).unlink(missing_ok=True)


def _told(pipeline: Pipeline) -> str:
    limits = [f"{name} {value:,}" for name, value in msgspec.to_builtins(pipeline.budget).items() if value is not None]
    budget = f"a budget of {', '.join(limits)}" if limits else "no budget"
    return f"{pipeline.steps if pipeline.rounds else 0:,} steps and {budget}"


def drawn(plan: Plan, folder: Path) -> dict[str, int]:
    """What the study has sampled so far: attempts, tokens and prompt tokens, those of pools counted once."""
    total = dict.fromkeys(("attempts", "tokens", "prompt_tokens"), 0)
    starts = [(folder / "pools" / p.name, folder / "pools" / p.start if p.start else None) for p in plan.pools]
    cells = [(folder / "cells" / p.cell.name, folder / "pools" / p.pool) for p in plan.cells]
    for run, start in (*starts, *cells):
        own, before = tally_of(run), tally_of(start) if start else Tally()
        for name in total if (run / DATABASE).exists() else ():
            total[name] += getattr(own, name) - getattr(before, name)
    return total


def tally_of(folder: Path) -> Tally:
    """The counters of a run folder; zeros where there is no run yet."""
    if not (folder / DATABASE).exists():
        return Tally()
    with Reader.open(folder) as ledger:
        return ledger.tally()
