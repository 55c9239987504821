"""Warnings that no single step gives: what a run drifts into."""

from collections.abc import Callable
from math import exp, log

from sparq_core.contract.events import Event, StepCommitted, Warned

ENTROPY = "niche_entropy"
"""The metric that is watched, in nats, where a selector reports it."""
FIRST_STEPS = 10
"""Steps of a round before its diversity says anything."""


def watching(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """`emit`, which also warns, once, when the effective number of niches has halved since its peak."""
    peak, warned = 0.0, False

    def watch(event: Event) -> None:
        nonlocal peak, warned
        emit(event)
        if not isinstance(event, StepCommitted) or event.step < FIRST_STEPS or ENTROPY not in event.metrics:
            return
        now = event.metrics[ENTROPY]
        peak = max(peak, now)
        if not warned and now < peak - log(2):
            warned = True
            emit(Warned(_collapse(now, peak)))

    return watch


def _collapse(now: float, peak: float) -> str:
    return (
        f"diversity collapses: the children fill {exp(now):.0f} niches as if evenly, at the peak it was {exp(peak):.0f}; "
        "mutate seeds again (seed_share), limit max_children, or use static-uniform"
    )
