"""What a study will cost, before it is run: at most, and what is done already."""

from pathlib import Path

from msgspec import Struct

from sparq_core import hookspecs
from sparq_core.pipeline.prepare import Prepared
from sparq_core.study.folders import Folders, ended, is_begun, tally_of
from sparq_core.study.plan import Plan


class Part(Struct, frozen=True):
    """One run of a study."""

    name: str
    kind: str
    """`pool` or `cell`."""
    steps: int
    """Steps it generates itself, beyond those that it shares."""
    attempts: int
    """At most, drawn by it alone."""
    trainings: int
    benchmarks: int
    state: str
    """`done`, `begun` or `to do`."""


class Estimate(Struct, frozen=True):
    """All runs of a study with what they take at most."""

    runs: tuple[Part, ...]
    attempts: int
    tokens: int
    """Sampled by attempts at most; as many as their limit allows, or as those that are done took each."""
    trainings: int
    benchmarks: int
    left: int
    """Attempts at most in runs that are not done."""
    told: str


def of(plan: Plan, folder: Path) -> Estimate:
    """The runs of a plan, and how far a study folder is with them."""
    folders = Folders(plan, folder)
    pools, cells = _pools(plan, folders), _cells(plan, folders)
    runs = (*pools, *cells)
    attempts, left = sum(r.attempts for r in runs), sum(r.attempts for r in runs if r.state != "done")
    tokens = round(attempts * _tokens_an_attempt(plan, folders))
    trainings, benchmarks = sum(r.trainings for r in runs), sum(r.benchmarks for r in runs)
    told = (
        f"{len(cells)} cells of {len(pools)} pools: at most {attempts:,} attempts ({left:,} of them still to draw) and "
        f"{tokens:,} tokens, {trainings} trainings, {benchmarks} benchmarks"
    )
    return Estimate(runs, attempts, tokens, trainings, benchmarks, left, told)


def _pools(plan: Plan, folders: Folders) -> "list[Part]":
    steps = {pool.name: pool.steps for pool in plan.pools}
    return [
        Part(
            f"pool {pool.name}",
            "pool",
            own := steps[pool.name] - (steps[pool.start] if pool.start else 0),
            _attempts(pool.prepared, own) + (0 if pool.start else _of_seeds(pool.prepared)),
            int(makes_student := pool.prepared.run.pipeline.train.seeds and not pool.start),
            int(makes_student and pool.prepared.cast.owner(hookspecs.benchmark) is not None),
            _state(folders.pool(pool.name)),
        )
        for pool in plan.pools
    ]


def _cells(plan: Plan, folders: Folders) -> "list[Part]":
    bases: set[str] = set()
    parts = []
    for planned in plan.cells:
        rounds, steps = planned.pipeline.rounds, planned.pipeline.steps * max(0, planned.pipeline.rounds - 1)
        first = planned.base is not None and planned.base not in bases
        trains = planned.prepared.cast.owner(hookspecs.train) is not None
        benchmarks = first + rounds * (trains and planned.base is not None)
        bases |= {planned.base} if planned.base else set()
        state = _state(folders.cell(planned))
        attempts = _attempts(planned.prepared, steps)
        parts.append(Part(f"cell {planned.cell.name}", "cell", steps, attempts, rounds * trains, benchmarks, state))
    return parts


def _attempts(prepared: Prepared, steps: int) -> int:
    pipeline, attempts = prepared.run.pipeline, prepared.run.pipeline.attempts
    each = attempts.k + (max(attempts.k, attempts.again) if attempts.again else 0)
    most = steps * pipeline.batch * prepared.cast.proposers * each
    return min(most, pipeline.budget.attempts or most)


def _of_seeds(prepared: Prepared) -> int:
    attempts = prepared.run.pipeline.attempts
    return attempts.k * sum(1 for _ in prepared.cast.load_seeds(prepared.run)) if attempts.seeds else 0


def _tokens_an_attempt(plan: Plan, folders: Folders) -> float:
    """As those of the pools that are there took, labels and proposals included; else the limit."""
    done = [tally_of(folders.pool(pool.name)) for pool in plan.pools]
    if attempts := sum(tally.attempts for tally in done):
        return sum(tally.tokens for tally in done) / attempts
    return max((planned.pipeline.attempts.max_tokens for planned in plan.cells), default=0)


def _state(folder: Path) -> str:
    if ended(folder):
        return "done"
    return "begun" if is_begun(folder) else "to do"
