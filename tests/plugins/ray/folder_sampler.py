"""
Samplers for the tests of `ray`, without a model.

A file of words says what becomes of the calls of all replicas, each taking one from the front: `gives-up` or `bug`; without any
left they are answered.
"""

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

import sparq_core as sparq
from sparq_core.testing import ScriptedSampler


class FolderConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of `Folder`."""

    faults: str = ""
    digest: str = ""
    """What it says it serves, by default what is in its folder."""


class Sampler:
    deterministic = True
    slots = 4

    def __init__(self, digest: str, faults: str) -> None:
        self.digest, self._faults = digest, faults

    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        fault = _word(Path(self._faults)) if self._faults else ""
        if fault == "gives-up":
            raise sparq.SparqError("the GPU fell off the bus")
        if fault == "bug":
            raise ValueError("of our own")
        return [[sparq.Completion(text=f"{r.seed + j}", finish="stop", tokens=1) for j in range(r.n)] for r in requests]

    def close(self) -> None:
        """Nothing to free."""


class Dropped(Sampler):
    def sample(self, requests: Sequence[sparq.Request]) -> list[list[sparq.Completion]]:
        return [[sparq.Completion(text=str(r.sampling.dropout), finish="stop", tokens=1)] * r.n for r in requests]


class Folder:
    """Serves a folder, whatever is in it."""

    def __init__(self, config: FolderConfig) -> None:
        self._config = config

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> Sampler:
        return Sampler(self._config.digest or sparq.weights_digest(model.path), self._config.faults)


class Dropping(Folder):
    """Says how much of a vocabulary it left out, though it has none."""

    dropout: ClassVar[bool] = True

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> "Dropped":
        return Dropped(sparq.weights_digest(model.path), "")


class Sums:
    """Writes and solves sums, and says that it serves its folder."""

    @sparq.hookimpl
    def sampler(self, model: sparq.Model) -> ScriptedSampler:
        served = ScriptedSampler()
        served.digest = sparq.weights_digest(model.path)
        return served


class Trainer:
    """Leaves other weights."""

    @sparq.hookimpl
    def train(self, out: Path, seed: int) -> None:
        (out / "config.json").write_text(str(seed))


def _word(faults: Path) -> str:
    with faults.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        first, _, rest = file.read().partition(" ")
        file.seek(0)
        file.truncate()
        file.write(rest)
    return first
