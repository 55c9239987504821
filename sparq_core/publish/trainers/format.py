"""What a format is: a source of lines, their columns, and the files beside them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from sparq_core.ledger.dataset_columns import Column
from sparq_core.publish.trainers.sources import Source


def _nothing(name: str) -> Mapping[str, str]:  # noqa: ARG001 -- as other formats' functions
    return {}


def _at_the_top(name: str) -> str:  # noqa: ARG001 -- as other formats' functions
    return ""


class Format(NamedTuple):
    """How a trainer reads a dataset."""

    name: str
    source: Source
    columns: Sequence[Column]
    what: str
    """What a line is, in the plural."""
    use: str
    """What to tell the trainer. `{folder}` stands for the export, `{run}` for the run."""
    kind: Literal["jsonl", "parquet"] = "jsonl"
    rewarded: bool = False
    """Whether a reward judges what is trained on: then references are tested."""
    carries_extra: bool = True
    """Whether the trainer hands a problem's own data to the reward."""
    system: bool = True
    """Whether a prompt may begin with a system message."""
    code: Callable[[str], Mapping[str, str]] = _nothing
    """Files beside the lines, by name, for a run of this name, which is one of Python."""
    folder: Callable[[str], str] = _at_the_top
    """Where the files of lines are in the export, with a slash at the end."""
