"""What a dataset holds, read once before anything is spent."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.messages import shown
from sparq_core.contract.records import Draft


class Data(Struct, frozen=True):
    """What is known of the rows."""

    columns: Mapping[str, int]
    """The columns, each with the number of the first row that has it."""
    rows: int
    unanswered: int
    """Rows with a statement and no reference answer."""


def look(drafts: Iterable[Draft]) -> Data:
    """Of all rows, as the plugin that reads them gives them; rows are counted from 1."""
    columns: dict[str, int] = {}
    number = unanswered = 0
    for number, draft in enumerate(drafts, 1):
        for name in draft.extra:
            columns.setdefault(name, number)
        unanswered += not (draft.unparsed or (draft.answer or "").strip())
    return Data(columns, number, unanswered)


def check_names(data: Data, names: Iterable[Sequence[str]]) -> None:
    """PipelineError where the data has a column of a name that the profile would give one."""
    taken = [name for of_model in names for name in of_model if name in data.columns]
    for name in taken[:1]:
        raise PipelineError(
            f"row {data.columns[name]}: the data already has a column '{name}'; rename the added columns with --prefix"
        )


def check_by(data: Data, by: str) -> None:
    """PipelineError where no row has the column that the summary shall be broken down by."""
    if by not in data.columns:
        raise PipelineError(f"--by: the data has no column '{shown(by)}'; {nearest(by, data.columns)}")
