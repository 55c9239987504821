"""The note of a run that is through: how it ended, and all that tables take from it, so that the rest of its folder may go."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from sparq_core.contract.errors import SparqError
from sparq_core.contract.records import Score
from sparq_core.contract.tally import Tally
from sparq_core.ledger import overview
from sparq_core.ledger.files import whole
from sparq_core.ledger.reader import Reader

ENDED = "ended.json"
"""Its name in a run folder of a study."""
BASE = "base"
"""The stage before any training."""
Items = Mapping[str, float]
"""Scores by item."""


class Ended(Struct, frozen=True):
    """A run of a study that is through."""

    reason: str
    exit_code: int
    way: str
    """Names what it was run with (`Planned.way`)."""
    scores: Mapping[str, Mapping[str, Items]]
    """By stage and task, the stages in their order."""
    tally: Tally
    first: Tally
    """Up to the end of the first round."""
    metrics: Mapping[str, float]
    """Of the last step."""
    curated: int
    """Problems that were trained on last."""

    @property
    def last(self) -> str:
        """The last stage that was benchmarked."""
        return list(self.scores)[-1] if self.scores else BASE

    @property
    def quantities(self) -> dict[str, float]:
        """What the run took and gave, by the names that `measures` may have."""
        return {
            "attempts": self.tally.attempts,
            "tokens": self.tally.tokens,
            "prompt_tokens": self.tally.prompt_tokens,
            "children": self.tally.children,
            "kept": self.tally.outcomes.get("kept", 0),
            "curated": self.curated,
            **self.metrics,
        }


def ended(folder: Path) -> Ended | None:
    """The note in a run folder, or None where its run is not through; SparqError for a file that is none."""
    try:
        return msgspec.json.decode((folder / ENDED).read_bytes(), type=Ended)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise SparqError(
            f"{folder / ENDED}: cannot be read ({error}); delete it, and --resume checks its run"
        ) from error


def end(folder: Path, reason: str, exit_code: int, way: str) -> None:
    """Note that the run in a folder is through."""
    with Reader.open(folder) as ledger:
        last = ledger.last_round()
        note = Ended(
            reason,
            exit_code,
            way,
            scores={stage: found for stage, scores in _stages(ledger, last) if (found := _by_task(scores))},
            tally=ledger.tally(),
            first=overview.tally_after(ledger, min(1, last)),
            metrics=ledger.step_row(last, ledger.steps_of(last)).metrics,
            curated=overview.curated(ledger),
        )
    with whole(folder / ENDED) as partial:
        partial.write_bytes(msgspec.json.encode(note))


def reopen(folder: Path) -> None:
    """Let the run in a folder be looked at again."""
    (folder / ENDED).unlink(missing_ok=True)


def _stages(ledger: Reader, last: int) -> Iterator[tuple[str, list[Score]]]:
    yield BASE, ledger.scores(0)
    yield "seeds", ledger.scores(0, ledger.steps_of(0))
    yield from ((f"round {round_}", ledger.scores(round_)) for round_ in range(1, last + 1))


def _by_task(scores: Iterable[Score]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for score in scores:
        found.setdefault(score.task, {})[score.item] = score.value
    return found
