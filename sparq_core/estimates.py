"""What a whole run may take, told from one step of it: tokens, and money where the models have prices."""

import msgspec

from sparq_core.config import Pipeline
from sparq_core.events import Tally, Used
from sparq_core.reading import Reader
from sparq_core.stops import money, over_budget
from sparq_core.tallies import Meter


def estimate(ledger: Reader, pipeline: Pipeline, seeds: int) -> Tally:
    """
    Tokens and money of a pipeline with so many seeds, from a ledger with some seeds and step 1 of round 1.

    Steps are taken to be alike. What training and benchmarks take is not in it.
    """
    text = next(ledger.query("SELECT tally FROM step WHERE round = 0 ORDER BY step DESC LIMIT 1"))[0]
    begun, after = msgspec.json.decode(text, type=Tally), ledger.tally()
    parents = max(1, len(ledger.step_row(1, 1)[0]))
    steps = pipeline.rounds * pipeline.steps * pipeline.batch / parents
    ingested = seeds / max(1, begun.seeds)
    used = {role: _scaled(begun.used.get(role, Used()), ingested, total, steps) for role, total in after.used.items()}
    return Meter(pipeline).priced(Tally(used=used))


def told(ledger: Reader, pipeline: Pipeline, seeds: int) -> str:
    """The estimate in a sentence or two, with the budget that would end the run before."""
    whole = estimate(ledger, pipeline, seeds)
    steps = f"{pipeline.rounds * pipeline.steps:,} steps of {pipeline.batch} parents"
    taken = f"about {_round(whole.prompt_tokens)} tokens of prompts and {_round(whole.tokens)} sampled tokens"
    spent = "" if whole.cost is None else f", {money(whole.cost)} in money"
    ended = over_budget(pipeline.budget, whole)
    return f"Estimate for {steps}: {taken}{spent}." + (f" It ends earlier: {ended}." if ended else "")


def _scaled(begun: Used, ingested: float, total: Used, steps: float) -> Used:
    return Used(
        prompt=round(begun.prompt * ingested + (total.prompt - begun.prompt) * steps),
        sampled=round(begun.sampled * ingested + (total.sampled - begun.sampled) * steps),
    )


def _round(number: int) -> str:
    """Two digits are all that one step can tell."""
    return f"{round(number, 2 - len(str(number))):,}"
