"""Several runs in one dataset: columns that all rows have, and no problem twice."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.run import Run
from sparq_core.ledger import dataset
from sparq_core.ledger.dataset_columns import SKILLS, TABLE, Column, columns_of
from sparq_core.ledger.reader import Reader
from sparq_core.pipeline.assembly import alone
from sparq_core.pipeline.cast import Cast
from sparq_core.pipeline.discovery import Member
from sparq_core.publish.selection import Selection

ORIGIN = "origin"
"""The column that says which run a row is of."""
BATCH = 256
"""Problems compared at once."""
_EMPTY: Mapping[str, Any] = {SKILLS: [], "extra": {}}
"""What a row has in a column that its own run lacks, where that is not None."""


def check_apart(folders: Sequence[Path], ledgers: Sequence[Reader]) -> None:
    """PipelineError where two of these runs are the same one."""
    known: dict[str, Path] = {}
    for folder, ledger in zip(folders, ledgers, strict=True):
        digest = ledger.last_digest()
        if digest and (other := known.setdefault(digest, folder)) is not folder:
            raise PipelineError(f"{other} and {folder} are the same run (digest {digest}); name it once")


def turned_away(ledgers: Sequence[Reader], use: str, settings: Sequence[str]) -> list[dict[str, str]]:
    """
    The problems of each run that a plugin turns away, with its reasons, when it meets all of them in the order of the runs.

    `settings` are the plugin's options as `name=value`. PipelineError where it does not answer `admit` or an option is wrong.
    """
    _, cast = alone(use, settings, hookspecs.admit, "duplicates", Path.cwd())
    with _started(cast, ledgers[0]):
        return [dict(_turned_away(ledger, cast)) for ledger in ledgers]


def _turned_away(ledger: Reader, cast: Cast) -> Iterator[tuple[str, str]]:
    ids = (chosen.problem for chosen in dataset.chosen_problems(ledger))
    while some := list(islice(ids, BATCH)):
        for id_, rejection in zip(some, cast.admit("exporting", ledger.problems(some)), strict=True):
            if rejection:
                yield id_, rejection.reason


@contextmanager
def _started(cast: Cast, ledger: Reader) -> Iterator[None]:
    """Start a plugin outside of a run, and stop it."""
    run = Run(pipeline=ledger.pipeline(), base=Path.cwd(), folder=None, models={})
    warnings, begun = list[str](), list[Member]()
    try:
        cast.start(run, warnings.append, begun)
        yield
    finally:
        cast.stop(run, begun, warnings.append)


def common_columns(ledgers: Sequence[Reader]) -> list[Column]:
    """
    The columns of these runs' datasets together, and that of the origin; values of several kinds are JSON.

    PipelineError where a run has a descriptor of that name.
    """
    found: dict[str, Column] = {}
    for column in (column for ledger in ledgers for column in columns_of(ledger)):
        same = found.setdefault(column.name, column)
        if same.kind != column.kind:
            found[column.name] = same._replace(kind="JSON")
    if ORIGIN in found:
        raise PipelineError(
            f"a run describes problems by '{ORIGIN}', the column that tells runs apart; export it alone"
        )
    own = [column.name for column in TABLE if column.name in found]
    names = [*own, *sorted(found.keys() - set(own))]
    origin = Column(ORIGIN, "text", "the run it is from; ids are unique within one", lambda _: None)
    return [*(found[name] for name in names), origin]


def rows(selections: Sequence[Selection], columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of several runs, one run after the other, with all of these columns."""
    names = [column.name for column in columns if column.name != ORIGIN]
    for selection in selections:
        for row in dataset.rows(selection.ledger, selection.examples()):
            yield {**{name: row.get(name, _EMPTY.get(name)) for name in names}, ORIGIN: selection.origin}
