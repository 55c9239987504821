"""What a study will cost, before it is run: at most, and what is done already."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from sparq_core import hookspecs
from sparq_core.pipeline.prepare import Prepared
from sparq_core.study.ended import ended
from sparq_core.study.folders import Folders, is_begun
from sparq_core.study.plan import Plan


class Part(Struct, frozen=True, kw_only=True):
    """One run of a study."""

    name: str
    kind: Literal["pool", "cell"]
    arms: str = ""
    """Of a pool: those that begin with it."""
    steps: int
    """Steps it generates itself, beyond those that it shares."""
    attempts: int
    """At most, drawn by it alone."""
    tokens: int
    """Sampled by these attempts at most."""
    trainings: int
    benchmarks: int
    state: Literal["done", "begun", "to do"]


class Estimate(Struct, frozen=True, kw_only=True):
    """All runs of a study with what they take at most; proposals and labels sample tokens beside those of attempts."""

    runs: tuple[Part, ...]
    attempts: int
    tokens: int
    trainings: int
    benchmarks: int
    left: int
    """Attempts at most in runs that are not done."""

    @property
    def told(self) -> str:
        """In a sentence."""
        cells = sum(run.kind == "cell" for run in self.runs)
        return (
            f"{cells} cells of {len(self.runs) - cells} pools: at most {self.attempts:,} attempts ({self.left:,} of them still "
            f"to draw) of {self.tokens:,} tokens, plus proposals and labels; {self.trainings} trainings, "
            f"{self.benchmarks} benchmarks"
        )


def of(plan: Plan, folder: Path) -> Estimate:
    """The runs of a plan, and how far a study folder is with them."""
    folders = Folders(plan, folder)
    runs = (*_pools(plan, folders), *_cells(plan, folders))
    return Estimate(
        runs=runs,
        attempts=sum(run.attempts for run in runs),
        tokens=sum(run.tokens for run in runs),
        trainings=sum(run.trainings for run in runs),
        benchmarks=sum(run.benchmarks for run in runs),
        left=sum(run.attempts for run in runs if run.state != "done"),
    )


def _pools(plan: Plan, folders: Folders) -> Iterator[Part]:
    steps = {pool.name: pool.steps for pool in plan.pools}
    for pool in plan.pools:
        pipeline, cast = pool.prepared.run.pipeline, pool.prepared.cast
        own = pool.steps - (steps[pool.start] if pool.start else 0)
        attempts = _attempts(pool.prepared, own) + (0 if pool.start else _of_seeds(pool.prepared))
        student = pipeline.train.seeds and not pool.start
        to_make = folders.needed(pool) and not is_begun(folders.pool(pool.name))
        yield Part(
            name=f"pool {pool.name}",
            kind="pool",
            arms=", ".join(dict.fromkeys(p.cell.arm.name for p in plan.cells if p.pool == pool.name)),
            steps=own,
            attempts=attempts,
            tokens=attempts * pipeline.attempts.max_tokens,
            trainings=int(student),
            benchmarks=int(student and cast.owner(hookspecs.benchmark) is not None),
            state="to do" if to_make else _state(folders.pool(pool.name)) if folders.needed(pool) else "done",
        )


def _cells(plan: Plan, folders: Folders) -> Iterator[Part]:
    bases: set[str] = set()
    for planned in plan.cells:
        pipeline = planned.pipeline
        steps = pipeline.steps * max(0, pipeline.rounds - 1)
        trainings = pipeline.rounds * (planned.prepared.cast.owner(hookspecs.train) is not None)
        first = planned.base is not None and planned.base not in bases
        bases |= {planned.base} if planned.base else set()
        attempts = _attempts(planned.prepared, steps)
        yield Part(
            name=f"cell {planned.cell.name}",
            kind="cell",
            steps=steps,
            attempts=attempts,
            tokens=attempts * pipeline.attempts.max_tokens,
            trainings=trainings,
            benchmarks=first + trainings * (planned.base is not None),
            state=_state(folders.cell(planned)),
        )


def _attempts(prepared: Prepared, steps: int) -> int:
    pipeline = prepared.run.pipeline
    most = pipeline.most_attempts(steps, prepared.cast.proposers)
    return min(most, pipeline.budget.attempts or most)


def _of_seeds(prepared: Prepared) -> int:
    attempts = prepared.run.pipeline.attempts
    return attempts.k * sum(1 for _ in prepared.cast.load_seeds(prepared.run)) if attempts.seeds else 0


def _state(folder: Path) -> Literal["done", "begun", "to do"]:
    if ended(folder):
        return "done"
    return "begun" if is_begun(folder) else "to do"
