"""Places that a user names for a file: nothing is replaced there but an earlier output of the same kind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sparq_core.contract.errors import PipelineError
from sparq_core.ledger.files import is_stream, whole
from sparq_core.ledger.storage import DATABASE, LOCK


@contextmanager
def output(path: Path, option: str, ours: Callable[[Path], bool]) -> Iterator[Path]:
    """
    Where to write a file, to take the place that a user has named by an option once it is whole.

    PipelineError where that would replace anything but an empty file, or one that `ours` knows as an earlier output of the same
    kind. Of a link, what it leads to is looked at and replaced; a device or a pipe is written to as it is.
    """
    check_free(path, option, ours)
    with whole(path) as partial:
        yield partial


def check_free(path: Path, option: str, ours: Callable[[Path], bool] = lambda _: False) -> None:
    """PipelineError as `output` has it."""
    if is_stream(path):
        return
    if path.is_dir():
        raise PipelineError(f"{path}: is a folder; name a file by {option}")
    if _is_a_runs_own(path.resolve()):
        raise PipelineError(f"{path}: is a run's own; give another {option}")
    if path.exists() and path.stat().st_size and not ours(path):
        raise PipelineError(
            f"{path}: is there already, and is no earlier output of this command; give another {option}"
        )


def _is_a_runs_own(path: Path) -> bool:
    """Whether a run keeps something there: its ledger, its lock, or a dataset that the ledger tells of."""
    recorded = path.parent.name == "dataset" and (path.parents[1] / DATABASE).is_file()
    return (
        path.name.startswith(DATABASE)
        or path.name == LOCK
        or (recorded and path.exists() and not path.name.startswith("export."))
    )
