"""Curation: which attempts the model is trained on."""

from collections.abc import Iterator
from random import Random
from typing import Annotated, Literal

from msgspec import Meta, Struct

import sparq_core as sparq


class CurateBandConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `curate-band`."""

    scope: Annotated[
        Literal["all", "round"], Meta(description="Take kept problems of all rounds so far, or of the last one.")
    ] = "all"
    solutions: Annotated[
        sparq.Positive | None,
        Meta(description="Most correct attempts a problem gives, drawn at random; none: all (paper)."),
    ] = None


class CurateBand:
    """
    Every kept problem with its correct attempts: the paper's training set.

    Seeds are part of it where they were attempted and kept.
    """

    def __init__(self, config: CurateBandConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def curate(self, ledger: sparq.Reader, round: int, rng: Random) -> Iterator[sparq.Example]:
        rounds = None if self._config.scope == "all" else [round]
        for solved in ledger.solved(rounds):
            correct = [attempt for attempt, value in solved.attempts if value == "correct"]
            if self._config.solutions is not None and len(correct) > self._config.solutions:
                correct = sorted(rng.sample(correct, self._config.solutions))
            for attempt in correct:
                yield sparq.Example(problem=solved.child.problem.id, attempt=attempt)
