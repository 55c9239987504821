"""`sparq preview`: the prompts as they are sent, and one small step's outcome, in a ledger that never touches the disk."""

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from sparq_core import estimates, session, storage, summary
from sparq_core.engine import Engine
from sparq_core.events import Event, Warned
from sparq_core.ledger import Ledger
from sparq_core.run import weights_digest
from sparq_core.samplers import Samplers
from sparq_core.sampling import Completion, Request, Sampler
from sparq_core.session import Session
from sparq_core.sources import Mutations, Seeds, seeds_of
from sparq_core.steps import Workshop
from sparq_core.tallies import Meter

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


def show(console: Console, loaded: Session) -> None:
    """Ingest a few seeds, do one step and show it."""
    prompts: dict[int, str] = {}
    ledger = _one_step(loaded, prompts, _warn_on(console))
    for title, seed, text in _firsts(ledger):
        if seed in prompts:
            console.print(Panel(escape(prompts[seed]), title=f"{title}: the prompt", title_align="left"))
            console.print(Panel(escape(text), title="the answer", title_align="left", border_style="dim"))
    console.print(summary.counts(ledger.tally(), ledger.step_row(1, 1)[1]))
    for child in ledger.step(1, 1).children:
        rejection = f" by {child.rejection.plugin}" if child.rejection else ""
        solved = f"{child.counts.correct} of {child.counts.drawn} right" if child.counts.drawn else ""
        statement = escape(child.problem.statement[:100]) or "[dim](not read)[/]"
        console.print(f"[bold]{child.outcome}[/]{rejection} {child.reason} {solved} · {statement}", highlight=False)
    seeds = sum(1 for _ in seeds_of(loaded.run, loaded.cast))
    console.print(estimates.told(ledger, loaded.run.pipeline, seeds), highlight=False)
    console.print(
        "\nThis was one small step and nothing was written. `sparq run` does the rest.", style="dim", markup=False
    )


def _one_step(loaded: Session, prompts: dict[int, str], emit: Callable[[Event], None]) -> Ledger:
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


def _firsts(ledger: Ledger) -> Iterator[tuple[str, int, str]]:
    """The first answer of every kind, of a proposer that of every operator: its title, seed and text."""
    for hook, plugin, operator, seed, text, _ in ledger.query(
        "SELECT c.hook, c.plugin, p.operator, c.seed, c.text, min(c.ordinal) FROM completion c"
        " LEFT JOIN problem p ON c.hook = 'propose' AND p.round = c.round AND p.step = c.step AND p.ordinal = c.ordinal"
        " WHERE c.round = 1 GROUP BY c.hook, c.plugin, p.operator ORDER BY c.hook = 'describe', min(c.ordinal)"
    ):
        of = f"{plugin}: {operator}" if operator and operator != plugin else plugin
        yield f"{hook} ({of})", seed, text
    for (problem,) in ledger.query("SELECT problem FROM attempt WHERE round = 1 LIMIT 1"):
        attempt = ledger.judged(problem)[0].attempt
        yield "attempt (solver)", attempt.seed, attempt.text


def _warn_on(console: Console) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if isinstance(event, Warned):
            console.print(f"warning: {event.message}", style="yellow", markup=False)

    return emit
