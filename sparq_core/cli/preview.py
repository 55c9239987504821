"""`sparq preview`: the prompts as they are sent, and one small step's outcome, in a ledger that never touches the disk."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from sparq_core.cli import listing, signals, status
from sparq_core.cli.arguments import DEBUG, JSON, PIPELINE, SET
from sparq_core.cli.wording import block, plain
from sparq_core.contract.config import Pipeline
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.records import Child
from sparq_core.contract.tally import Tally, Used
from sparq_core.contract.wording import money, reason_of
from sparq_core.ledger import overview
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.writer import Ledger
from sparq_core.loop.meter import Meter
from sparq_core.loop.stops import over_budget
from sparq_core.loop.trial import trial
from sparq_core.pipeline import prepare
from sparq_core.pipeline.prepare import Prepared


def facts(loaded: Prepared) -> dict[str, Any]:
    """Ingest a few seeds, do one step and tell it as `preview --json` does; warnings go to standard error."""
    tried = trial(loaded, _warn_on(Console(stderr=True)))
    with tried.ledger:
        return _facts(loaded.run.pipeline, *tried)


def _facts(pipeline: Pipeline, ledger: Ledger, prompts: Mapping[int, str], seeds: int) -> dict[str, Any]:
    whole = estimate(ledger, pipeline, seeds)
    firsts = ((title, prompts.get(seed), text) for title, seed, text in _firsts(ledger))
    return {
        "answers": [{"title": title, "prompt": prompt, "text": text} for title, prompt, text in firsts],
        "children": [listing.as_json(child) for child in ledger.step(1, 1).children],
        "metrics": ledger.step_row(1, 1).metrics,
        "estimate": {"tokens": whole.tokens, "prompt_tokens": whole.prompt_tokens, "cost": whole.cost},
    }


def tell(console: Console, loaded: Prepared) -> None:
    """Ingest a few seeds, do one step and show it."""
    tried = trial(loaded, _warn_on(console))
    with tried.ledger:
        _show(console, loaded.run.pipeline, *tried)


def _show(console: Console, pipeline: Pipeline, ledger: Ledger, prompts: Mapping[int, str], seeds: int) -> None:
    for title, seed, text in _firsts(ledger):
        if seed in prompts:
            console.print(Panel(block(prompts[seed]), title=plain(f"{title}: the prompt"), title_align="left"))
            console.print(Panel(block(text), title="the answer", title_align="left", border_style="dim"))
    console.print(status.counts(ledger.tally(), ledger.step_row(1, 1).metrics))
    for child in ledger.step(1, 1).children:
        console.print(Text.assemble((child.outcome, "bold"), plain(_why(child))))
        statement = child.problem.statement
        console.print(
            Padding(block(statement) if statement.strip() else Text("(could not be parsed)", "dim"), (0, 0, 0, 4))
        )
    console.print(plain(estimated(ledger, pipeline, seeds)))
    console.print(
        "\nThis was one small step; nothing was written. `sparq run` runs the whole pipeline.",
        style="dim",
        markup=False,
    )


def _why(child: Child) -> str:
    rejection = f" by {child.rejection.plugin}:" if child.rejection else ""
    reason = f" {why}" if (why := reason_of(child)) else ""
    return (
        rejection + reason + (f" {child.counts.correct} of {child.counts.drawn} correct" if child.counts.drawn else "")
    )


def _firsts(ledger: Ledger) -> Iterator[tuple[str, int, str]]:
    """The first answer of every kind, of a proposer that of every operator: its title, seed and text."""
    for hook, plugin, operator, seed, text in overview.first_answers(ledger, 1):
        of = f"{plugin}: {operator}" if operator and operator != plugin else plugin
        yield f"{hook} ({of})", seed, text
    if problem := overview.first_attempted(ledger, 1):
        attempt = ledger.judged(problem)[0].attempt
        yield "attempt (solver)", attempt.seed, attempt.text


def _warn_on(console: Console) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if isinstance(event, Warned):
            console.print(plain(f"warning: {event.message}", "yellow"))

    return emit


def estimate(ledger: Reader, pipeline: Pipeline, seeds: int) -> Tally:
    """
    Tokens and money of a pipeline with so many seeds, from a ledger with some seeds and step 1 of round 1.

    Steps are taken to be alike. What training and benchmarks take is not in it.
    """
    begun, after = overview.tally_after(ledger, 0), ledger.tally()
    parents = max(1, len(ledger.step_row(1, 1).parents))
    steps = pipeline.rounds * pipeline.steps * pipeline.batch / parents
    ingested = seeds / max(1, begun.seeds)
    used = {role: _scaled(begun.used.get(role, Used()), ingested, total, steps) for role, total in after.used.items()}
    return Meter(pipeline).priced(Tally(used=used))


def estimated(ledger: Reader, pipeline: Pipeline, seeds: int) -> str:
    """The estimate in a sentence or two, with the budget that would end the run before."""
    whole = estimate(ledger, pipeline, seeds)
    n = pipeline.rounds * pipeline.steps
    steps = f"{n:,} step{'s' * (n != 1)} of {pipeline.batch} parents"
    taken = f"about {_round(whole.prompt_tokens)} prompt tokens and {_round(whole.tokens)} sampled tokens"
    spent = "" if whole.cost is None else f", at a cost of {money(whole.cost)}"
    ended = over_budget(pipeline.budget, whole)
    return f"Estimate for {steps}: {taken}{spent}." + (f" The run ends earlier: {ended}." if ended else "")


def _scaled(begun: Used, ingested: float, total: Used, steps: float) -> Used:
    return Used(
        prompt=round(begun.prompt * ingested + (total.prompt - begun.prompt) * steps),
        sampled=round(begun.sampled * ingested + (total.sampled - begun.sampled) * steps),
    )


def _round(number: int) -> str:
    """Two digits are all that one step can tell."""
    return f"{round(number, 2 - len(str(number))):,}"


@click.command()
@PIPELINE
@SET
@DEBUG
@JSON
def preview(pipeline: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Run one small step of PIPELINE and show its prompts and outcomes. Nothing is written."""
    loaded = prepare.load(pipeline, overrides)
    prepare.warnings_of(loaded)
    with signals.ending_at_once():
        if as_json:
            click.echo(json.dumps(facts(loaded), indent=2))
        else:
            tell(Console(), loaded)
