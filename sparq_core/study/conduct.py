"""A study's runs: pools generated once, cells forked from them, each gone on with after a kill as any run is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import NothingToTrainOn, PipelineError
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import writing
from sparq_core.loop import session
from sparq_core.loop.rounds import Ending, Rounds
from sparq_core.loop.session import Observer
from sparq_core.loop.stops import INTERRUPTED
from sparq_core.pipeline.prepare import Prepared, anew
from sparq_core.study.ended import end, ended, reopen
from sparq_core.study.folders import Folders, is_begun, is_there
from sparq_core.study.plan import Plan, Planned, Pool

REMEDY = "Restore it; or rename the arm, or choose another --out; or delete the folder of that cell to run it again."
Watch = Callable[[str], AbstractContextManager[Observer]]
"""Shows a run while it works, under a title."""


class Conductor:
    """All runs of one study in one folder."""

    def __init__(self, plan: Plan, folder: Path, watch: Watch, interrupted: Callable[[], bool]) -> None:
        self._plan, self._folders = plan, Folders(plan, folder)
        self._watch, self._interrupted = watch, interrupted
        self._scored: dict[str, Path] = {}
        self._begun = 0

    def go(self) -> bool:
        """Everything that is not done yet; False where it was interrupted."""
        for planned, folder in _there(self._plan, self._folders):
            if is_begun(folder):
                with writing(folder):
                    pass  # a killed writer's half is rolled back before anything reads it
            if not _is_as_planned(planned, folder):
                reopen(folder)
        for pool in self._plan.pools:
            if not self._pool(pool):
                return False
            for planned in self._plan.cells:
                if planned.pool == pool.name and not self._cell(planned):
                    return False
        return True

    def _pool(self, pool: Pool) -> bool:
        folder = self._folders.pool(pool.name)
        if not self._folders.needed(pool):
            self._begun += 1
            return True
        if not is_begun(folder):
            reopen(folder)
            if pool.start:
                session.fork(pool.prepared, folder, self._folders.pool(pool.start))
        return self._run(f"pool {pool.name}", pool.prepared, folder, Rounds.pool)

    def _cell(self, planned: Planned) -> bool:
        folder = self._folders.cell(planned)
        if not is_there(folder):
            scored = self._scored.get(planned.base or "")
            session.fork(planned.prepared, folder, self._folders.pool(planned.pool), scored)
        done = self._run(f"cell {planned.cell.name}", planned.prepared, folder, Rounds.go, planned.way)
        if planned.base and done and is_begun(folder):
            self._scored.setdefault(planned.base, folder)
        return done

    def _run(self, title: str, prepared: Prepared, folder: Path, go: Callable[[Rounds], Ending], way: str = "") -> bool:
        """Go on with one run until it is through; False where it was interrupted."""
        self._begun += 1
        if ended(folder):
            return True
        of = len(self._plan.pools) + len(self._plan.cells)
        with self._watch(f"{self._begun} of {of}: {title}") as observer:
            reason, exit_code = self._how_it_ends(prepared, folder, observer, go)
        if reason == INTERRUPTED:
            return False
        end(folder, reason, exit_code, way)
        return True

    def _how_it_ends(
        self, prepared: Prepared, folder: Path, observer: Observer, go: Callable[[Rounds], Ending]
    ) -> tuple[str, int]:
        fresh = anew(prepared)
        try:
            ending = session.execute(fresh, folder, True, [observer], self._interrupted, go=go, checked=True)
        except NothingToTrainOn as error:
            return str(error), error.exit_code
        return ending.reason, ending.exit_code


def check_there(plan: Plan, folder: Path) -> None:
    """PipelineError where a study's folder holds cells that are not of this study; nothing is changed."""
    for planned, cell in _there(plan, Folders(plan, folder)):
        _is_as_planned(planned, cell)


def _there(plan: Plan, folders: Folders) -> list[tuple[Planned, Path]]:
    return [(planned, folder) for planned in plan.cells if is_there(folder := folders.cell(planned))]


def _is_as_planned(planned: Planned, folder: Path) -> bool:
    """Whether a cell's folder has the run as planned, to the letter; PipelineError where this study cannot go on with it."""
    if is_begun(folder):
        return _checked(planned, folder) == planned.pipeline
    if (note := ended(folder)) and note.way != planned.way:
        raise PipelineError(
            f"{folder}: was run with other settings, and its ledger is not there to tell which\n{REMEDY}"
        )
    return True


def _checked(planned: Planned, folder: Path) -> Pipeline:
    """The pipeline of the run in a cell's folder; PipelineError where this study cannot go on with that."""
    try:
        session.check_same(folder, planned.prepared)
    except PipelineError as error:
        raise PipelineError(f"{error}\n{REMEDY}") from error
    with Reader.open(folder) as ledger:
        before, now = ledger.pipeline(), planned.pipeline
    if (before.steps, before.budget, before.rounds > 0) != (now.steps, now.budget, now.rounds > 0):
        raise PipelineError(f"{folder}: was run with {_told(before)}, the study now has {_told(now)}\n{REMEDY}")
    return before


def _told(pipeline: Pipeline) -> str:
    limits = [f"{name} {value:,}" for name, value in msgspec.to_builtins(pipeline.budget).items() if value is not None]
    budget = f"a budget of {', '.join(limits)}" if limits else "no budget"
    return f"{pipeline.steps if pipeline.rounds else 0:,} steps and {budget}"
