"""A few seeds and one small step of a pipeline, in a ledger that never touches the disk."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import BudgetConfig
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.events import Event
from sparq_core.contract.sampling import Request
from sparq_core.ledger import storage
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.rounds import Rounds
from sparq_core.loop.session import describe, started
from sparq_core.pipeline.prepare import Prepared, with_digests

SEEDS, PARENTS = 64, 8
"""Seeds and parents of a trial at most."""


class Trial(NamedTuple):
    """What was tried."""

    ledger: Ledger
    prompts: dict[int, str]
    """The prompt that each sampled seed was given."""
    seeds: int
    """How many there are in all."""


def trial(prepared: Prepared, emit: Callable[[Event], None]) -> Trial:
    """Ingest a few seeds and do one small step; whoever reads the ledger closes it. PipelineError where there is no step."""
    if not (prepared.cast.owner(hookspecs.select) and prepared.cast.proposers):
        raise PipelineError("plugins: with no rounds, nothing is selected or proposed, so there is no step to show")
    connection = storage.create(":memory:")
    with storage.closed_on_error(connection):
        return _tried(prepared, Ledger(connection), emit)


def _tried(prepared: Prepared, ledger: Ledger, emit: Callable[[Event], None]) -> Trial:
    pipeline = prepared.run.pipeline
    small = replace(pipeline, batch=min(pipeline.batch, PARENTS), rounds=1, steps=1, in_flight=1, budget=BudgetConfig())
    run, cast = replace(with_digests(prepared.run), pipeline=small), prepared.cast
    prompts = dict[int, str]()

    def hear(requests: Sequence[Request]) -> None:
        prompts.update({request.seed: request.messages[-1].content for request in requests})

    describe(ledger, run, cast, {})
    with started(run, cast, emit):
        rounds = Rounds(run, cast, ledger, emit, most_seeds=SEEDS, hear=hear)
        with closing(rounds.samplers):
            rounds.generate(0)
            rounds.generate(1)
        seeds = sum(1 for _ in cast.load_seeds(run))
    return Trial(ledger, prompts, seeds)
