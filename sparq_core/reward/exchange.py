"""What a worker is told and what it says."""

from msgspec import Struct

from sparq_core.contract.config import Pipeline
from sparq_core.contract.records import Verdict

GRACE = 5.0
"""Seconds in which plugins may stop once nobody asks any more."""


class Job(Struct, frozen=True):
    """Whose verifiers these are."""

    pipeline: Pipeline
    base: str
    """The folder that relative paths start from."""
    identity: str = ""
    """Of the run, JSON; empty where it is of a pipeline file."""


class Reply(Struct, frozen=True, omit_defaults=True):
    """What the worker says: first that it is ready, then a verdict a trial; or why there is none."""

    verdict: Verdict | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()
