"""How many steps are worked on at once."""

import os
from contextlib import suppress
from math import ceil
from pathlib import Path

from sparq_core.contract.config import Pipeline

REQUESTS_A_SLOT = 8
"""Requests outstanding for each sequence a sampler can work on: steps wait for their slowest sample, others must fill in."""
WITHOUT_SLOTS = 4
"""Steps where a sampler does not say how much it can do at once."""
LEAST, MOST = 2, 256
SHARE = 4
"""The texts of all steps in flight may come to this part of the memory, were every completion as long as it may be."""
TOKEN = 4
"""Bytes of a token's text."""
CGROUP = Path("/sys/fs/cgroup/memory.max")


def steps_in_flight(pipeline: Pipeline, slots: int | None, memory: int) -> int:
    """The number of the pipeline; for `auto`, as many as keep `slots` sequences busy within so many bytes of memory."""
    if pipeline.in_flight != "auto":
        return pipeline.in_flight
    if slots is None:
        return WITHOUT_SLOTS
    step = pipeline.batch * pipeline.attempts.k * pipeline.attempts.max_tokens * TOKEN
    wanted = ceil(REQUESTS_A_SLOT * slots / pipeline.batch)
    return max(LEAST, min(wanted, MOST, memory // SHARE // step))


def memory() -> int:
    """Bytes that this process may use: the machine's, or those of its container where they are fewer."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        return min(machine, int(CGROUP.read_text(encoding="ascii")))
    return machine
