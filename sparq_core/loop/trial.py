"""One small step in a ledger that never touches the disk."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from sparq_core.contract.events import Event
from sparq_core.contract.sampling import Completion, Request, Sampler
from sparq_core.contract.weights import weights_digest
from sparq_core.ledger import storage
from sparq_core.ledger.writer import Ledger
from sparq_core.loop import session
from sparq_core.loop.engine import Engine
from sparq_core.loop.meter import Meter
from sparq_core.loop.serving import Samplers
from sparq_core.loop.sources import Mutations, Seeds
from sparq_core.loop.step import Workshop
from sparq_core.pipeline.prepare import Session

SEEDS, PARENTS = 64, 8
"""Seeds and parents a preview takes at most."""


class Listening:
    """A sampler that remembers which prompt each seed belonged to."""

    def __init__(self, sampler: Sampler, prompts: dict[int, str]) -> None:
        self._sampler, self._prompts = sampler, prompts
        self.deterministic, self.digest = sampler.deterministic, sampler.digest

    def sample(self, requests: Sequence[Request]) -> Sequence[Sequence[Completion]]:
        """As the sampler would."""
        self._prompts |= {request.seed: request.messages[-1].content for request in requests}
        return self._sampler.sample(requests)

    def close(self) -> None:
        """Nothing: the sampler is closed by whoever opened it."""


def one_step(loaded: Session, prompts: dict[int, str], emit: Callable[[Event], None]) -> Ledger:
    """Ingest some seeds and do one step; `prompts` are filled with each seed's prompt."""
    pipeline = loaded.run.pipeline
    small = replace(pipeline, batch=min(pipeline.batch, PARENTS), rounds=1, steps=1, in_flight=1)
    models = {n: replace(m, digest=weights_digest(m.path)) for n, m in loaded.run.models.items()}
    run = replace(loaded.run, pipeline=small, models=models)
    ledger = Ledger(storage.create(":memory:"))
    session.describe(ledger, run, loaded.cast, {})
    samplers = Samplers(loaded.cast, {role: models[name] for role, name in run.roles.items()})
    workshop = Workshop(run, loaded.cast, lambda role: Listening(samplers.serve(role), prompts))
    engine = Engine(loaded.cast, ledger, workshop, 1, emit, Meter(run.pipeline))
    try:
        with session.started(run, loaded.cast, emit):
            engine.run_round(0, Seeds(run, loaded.cast, most=SEEDS), lambda: None)
            engine.run_round(1, Mutations(1, 1, 1, run, loaded.cast, ledger, workshop), lambda: None)
    finally:
        engine.close()
        samplers.close()
    return ledger
