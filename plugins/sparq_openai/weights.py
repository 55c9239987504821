"""The weights that servers are to serve at a time of a run."""

import re
import tempfile
from pathlib import Path
from typing import Self

from msgspec import Struct

import sparq_core as sparq

ROUND = re.compile(r"round-(\d+)")
"""The folder of the weights that a round has trained."""


class Weights(Struct, frozen=True, kw_only=True):
    """Which weights are to be served, and where to work."""

    model: sparq.Model
    before: str | None
    """Where the weights are that a server serves which was not swapped."""
    round: int
    """Whose training made them; 0 for the run's own."""
    base: Path
    """Where commands are run."""
    logs: Path

    @classmethod
    def of(cls, run: sparq.Run | None, model: sparq.Model) -> Self:
        """The weights that a sampler is asked for, with those of the round before, or else those that training began with."""
        folder = run.folder if run else None
        here = Path(model.path)
        match = ROUND.fullmatch(here.name) if folder and here.parent == folder / "models" else None
        round_ = int(match[1]) if match else 0
        before = None
        if run and match:
            earlier = (here.with_name(f"round-{number}") for number in range(round_ - 1, -1, -1))
            trained = next((str(path) for path in earlier if path.is_dir()), None)
            before = trained or run.trained.path
        return cls(
            model=model,
            before=before,
            round=round_,
            base=run.base if run else Path.cwd(),
            logs=folder / "logs" if folder else Path(tempfile.mkdtemp(prefix="sparq-openai-")),
        )
