"""How many steps are worked on at once."""

from math import ceil

from sparq_core.config import Pipeline
from sparq_core.errors import PipelineError
from sparq_core.plugins import Cast

REQUESTS_A_SLOT = 8
"""Requests outstanding for each sequence a sampler can work on: steps wait for their slowest sample, others must fill in."""
WITHOUT_SLOTS = 4
"""Steps where a sampler does not say how much it can do at once."""
LEAST, MOST = 2, 256
MEMORY = 2**30
"""Bytes that the texts of all steps in flight may come to."""
TOKEN = 4
"""Bytes of a token's text."""


def is_static(pipeline: Pipeline, cast: Cast) -> bool:
    """Whether parents are chosen without looking at what became of children, so that `in_flight` changes nothing."""
    selectors = [member.plugin for member, _ in cast.each("select")]
    return all(getattr(type(plugin), "static", False) for plugin in selectors) and not pipeline.attempts.again


def check_in_flight(pipeline: Pipeline, cast: Cast) -> None:
    """PipelineError where `auto` would make a run depend on the machine it runs on."""
    if pipeline.in_flight == "auto" and not is_static(pipeline, cast):
        remedy = "leave attempts.again out" if pipeline.attempts.again else "take a static selector"
        raise PipelineError(
            "in_flight: what a step does here depends on how many are in flight, so `auto` would not be repeatable; "
            f"give a number, or {remedy}"
        )


def steps_in_flight(pipeline: Pipeline, slots: int | None) -> int:
    """The number of the pipeline; for `auto`, as many steps as keep `slots` sequences busy, within bounds of memory."""
    if pipeline.in_flight != "auto":
        return pipeline.in_flight
    if slots is None:
        return WITHOUT_SLOTS
    step = pipeline.batch * pipeline.attempts.k * pipeline.attempts.max_tokens * TOKEN
    wanted = ceil(REQUESTS_A_SLOT * slots / pipeline.batch)
    return max(LEAST, min(wanted, MOST, MEMORY // step))
