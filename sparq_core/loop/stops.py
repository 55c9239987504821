"""Why a run stops issuing steps, so that a resumed run decides as a live one would."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from sparq_core.contract.config import BudgetConfig, Pipeline
from sparq_core.contract.errors import SparqError
from sparq_core.contract.events import Event, Warned
from sparq_core.contract.tally import REMEDIES, Tally, Used
from sparq_core.ledger.overview import unread
from sparq_core.ledger.reader import Reader
from sparq_core.loop.meter import Meter, Spent
from sparq_core.loop.sources import CHUNK

INTERRUPTED = "interrupted"
UNPARSED = "unparsed"
FIRST_LOOK = 64
"""Children, or attempts, to see before judging the first of them."""
LEAST_PARSED = 0.1
EXAMPLES = 3


class Ahead(Struct, frozen=True):
    """What steps in flight come to, beyond what is committed."""

    spent: Spent = Spent()
    """By those that are worked through."""
    most_attempts: int = 0
    """That the others may draw."""


StopRule = Callable[[Callable[[], Ahead]], tuple[str | None, bool]]
"""
Why no further step should be issued, or None; and whether that is sure, or could be another once the steps in flight are
worked through. It asks for what is ahead only where that matters.
"""


def rule(pipeline: Pipeline, meter: Meter, interrupted: Callable[[], bool], emit: Callable[[Event], None]) -> StopRule:
    """
    The rule the engine asks before each new step; it also warns, once, when too many attempts are unknown.

    Budgets of attempts, tokens and cost are held against all steps issued so far, committed or not, so that the same steps
    are issued however many are in flight: what a step may still draw is counted in full until it is known.
    """
    warned, budget = False, pipeline.budget
    token_bound = pipeline.attempts.max_tokens

    def stop(ahead: Callable[[], Ahead]) -> tuple[str | None, bool]:
        nonlocal warned
        tally = meter.tally
        if interrupted():
            return INTERRUPTED, True
        if mostly_unparsed(tally):
            return UNPARSED, True
        unknown = tally.verdicts.get("unknown", 0)
        if not warned and tally.attempts >= FIRST_LOOK and unknown > pipeline.attempts.warn_unknown * tally.attempts:
            warned = True
            emit(Warned(_too_many_unknown(tally)))
        if reason := over_budget(budget, replace(tally, seconds=meter.seconds)):
            return reason, True
        if budget.attempts is None and budget.tokens is None and budget.cost is None:
            return None, True
        coming = ahead()
        known = meter.priced(coming.spent.beside(tally))
        if reason := over_budget(budget, known):
            return reason, True
        possible = Spent(coming.most_attempts, {"solver": Used(0, coming.most_attempts * token_bound)})
        return None, over_budget(budget, meter.priced(possible.beside(known))) is None

    return stop


def fuse(pipeline: Pipeline, meter: Meter, in_flight: Callable[[], int], proposers: int) -> Callable[[], None]:
    """
    Asked before each call of a sampler: SparqError once far more is drawn than budgets and steps in flight explain.

    A budget of tokens or cost stops the issue of steps; this ends steps in which a plugin does not stop asking. It allows
    twice what all attempts of the steps in flight may come to beyond the budget.
    """
    budget, attempts = pipeline.budget, pipeline.attempts
    of_seeds = CHUNK * attempts.k if attempts.seeds else 0
    step = max(of_seeds, pipeline.most_attempts(1, proposers)) * attempts.max_tokens

    def allow() -> None:
        if budget.tokens is None and budget.cost is None:
            return
        drawn, tally = meter.uncommitted(), meter.tally
        allowed = meter.priced(Tally(used={"solver": Used(0, 2 * in_flight() * step)}))
        for name, now, most, more in (
            ("tokens", tally.tokens + drawn.tokens, budget.tokens, allowed.tokens),
            ("cost", (tally.cost or 0) + (drawn.cost or 0), budget.cost, allowed.cost or 0),
        ):
            if most is not None and now > most + more:
                raise SparqError(
                    f"budget.{name}: {now:,.6g} used, including the steps in flight, of {most:,.6g}. Their attempts cannot "
                    "explain this, so a plugin is calling its model endlessly; fix it, then --resume"
                )

    return allow


def mostly_unparsed(tally: Tally) -> bool:
    """Whether so few children could be read that going on would only cost money."""
    return tally.children >= FIRST_LOOK and tally.children - tally.unparsed < LEAST_PARSED * tally.children


def why_none(tally: Tally) -> str:
    """Why a run kept nothing, and what to change."""
    if not tally.attempts:
        return "every child was rejected before it was attempted; see the reasons above"
    if 2 * tally.unknown().get("unverified", 0) > tally.attempts:
        return f"most attempts have no verdict: {REMEDIES['unverified']}"
    right = tally.verdicts.get("correct", 0) / tally.attempts
    return (
        f"{right:.0%} of the attempts were correct; look at some with `sparq preview` and `sparq show`, then change the "
        "prompts, use easier or harder seeds, or widen the band"
    )


def rejected_for(tally: Tally) -> str:
    """The reason for which most were rejected, in brackets; nothing where none was."""
    if not tally.reasons:
        return ""
    reason, count = max(tally.reasons.items(), key=lambda item: item[1])
    return f" ({count:,} of {tally.children:,} were rejected by {reason})"


def over_budget(budget: BudgetConfig, tally: Tally) -> str | None:
    """The budget that is used up, in words, or None."""
    used: dict[str, tuple[float, float | None, str]] = {
        "kept": (tally.outcomes.get("kept", 0), budget.kept, ",d"),
        "attempts": (tally.attempts, budget.attempts, ",d"),
        "tokens": (tally.tokens, budget.tokens, ",d"),
        "cost": (tally.cost or 0.0, budget.cost, ",.2f"),
        "hours": (tally.seconds / 3600, budget.hours, ",.3g"),
    }
    for name, (now, most, form) in used.items():
        if most is not None and now >= most:
            return f"budget.{name} reached: {now:{form}} of {most:{form}}"
    return None


def _too_many_unknown(tally: Tally) -> str:
    unknown = tally.unknown()
    share = sum(unknown.values()) / tally.attempts
    shares = ", ".join(f"{reason} {n / tally.attempts:.0%}" for reason, n in unknown.items())
    remedies = [remedy for reason, remedy in REMEDIES.items() if reason in unknown]
    advice = "; ".join(remedies) or "`sparq show` prints the attempts of a problem"
    return f"{share:.0%} of attempts are unknown and say nothing about difficulty ({shares}); {advice}"


def unparsed_error(tally: Tally, ledger: Reader) -> SparqError:
    """What to tell a user whose generator writes nothing that can be read."""
    examples = "\n".join(
        f"  {id_}: {why}{' (truncated)' if cut else ''}; it begins: {text[:200]!r}"
        for id_, why, text, cut in unread(ledger, EXAMPLES)
    )
    return SparqError(
        f"only {tally.children - tally.unparsed} of the first {tally.children} children could be parsed. "
        f"{EXAMPLES} of the others:\n{examples}\n"
        "Change the prompt of the proposing plugin (mutate: with.prompt), raise its max_tokens if they are "
        "truncated, or use a model that follows instructions; a base model may need models.<name>.chat_template: plain."
    )
