"""Places that a user names for a file or a folder: nothing is replaced there but an earlier output of the same kind."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sparq_core.contract.errors import PipelineError
from sparq_core.ledger.files import is_stream, whole, whole_folder
from sparq_core.ledger.storage import DATABASE, LOCK

LONGEST = 2**26
"""Bytes of a first row that are read to know an earlier output."""


@contextmanager
def output(path: Path, option: str, *columns: Collection[str]) -> Iterator[Path]:
    """
    Where to write a table that takes the place which a user has named by an option, once it is whole.

    PipelineError where that would replace something else than an earlier output: a table, as JSON lines or Parquet, that has
    these columns, or all of one set where several are given. An empty file may be replaced, too. Of a link, what it leads to is
    looked at and replaced; a device or a pipe is written to as it is.
    """
    check_table(path, option, *columns)
    with whole(path) as partial:
        yield partial


def check_table(path: Path, option: str, *columns: Collection[str]) -> None:
    """PipelineError where `output` would refuse a place."""

    def is_earlier(there: Path) -> bool:
        found = _columns_of(there)
        return any(found >= set(one) for one in columns)

    check_free(path, option, is_earlier)


@contextmanager
def page(path: Path, option: str, start: str) -> Iterator[Path]:
    """As `output`, for a page, of which an earlier one begins with `start`."""
    check_free(path, option, lambda there: _begins_with(there, start.encode()))
    with whole(path) as partial:
        yield partial


@contextmanager
def folder(path: Path, option: str, is_earlier: Callable[[Path], bool]) -> Iterator[Path]:
    """
    As `output`, for a folder of several files; an empty one may be replaced, too.

    PipelineError for any folder directly below a run's, which are the run's own.
    """
    if path.exists() and not path.is_dir():
        raise PipelineError(f"{path}: is a file; name a folder with {option}")
    there = path.resolve()
    if (there / DATABASE).is_file() or (there.parent / DATABASE).is_file():
        raise PipelineError(f"{path}: belongs to a run; choose another {option}")
    if path.is_dir() and any(path.iterdir()) and not is_earlier(path):
        raise PipelineError(
            f"{path}: contains something other than an earlier output of this command; empty it, or choose another {option}"
        )
    with whole_folder(path) as partial:
        yield partial


def check_free(path: Path, option: str, is_earlier: Callable[[Path], bool] | None = None) -> None:
    """PipelineError as `output` has it; where nothing tells an earlier output, whatever is there."""
    if is_stream(path):
        return
    if path.is_dir():
        raise PipelineError(f"{path}: is a folder; name a file with {option}")
    if _is_a_runs_own(path.resolve()):
        raise PipelineError(f"{path}: belongs to a run; choose another {option}")
    if path.exists() and path.stat().st_size:
        if is_earlier is None:
            raise PipelineError(f"{path}: already exists; choose another {option}")
        if not is_earlier(path):
            raise PipelineError(
                f"{path}: already exists, and is not an earlier output of this command; choose another {option}"
            )


def _is_a_runs_own(path: Path) -> bool:
    """Whether a run keeps something there: its ledger, its lock, or a dataset that the ledger tells of."""
    recorded = path.parent.name == "dataset" and (path.parents[1] / DATABASE).is_file()
    return (
        path.name.startswith(DATABASE)
        or path.name == LOCK
        or (recorded and path.exists() and not path.name.startswith("export."))
    )


def _begins_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) == start


def _columns_of(path: Path) -> set[str]:
    """The columns of a table; none where a file is no table."""
    with path.open("rb") as file:
        start = file.readline(LONGEST)
    if start.startswith(b"PAR1"):
        return _parquet_columns(path)
    try:
        row = msgspec.json.decode(start)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()


def _parquet_columns(path: Path) -> set[str]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return set()
    try:
        return set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException):
        return set()
