"""The dataset of a run, or of several, as a file or as a folder that is ready for the Hub; with its card."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from sparq_core.ledger import dataset, outputs
from sparq_core.ledger.dataset_columns import Column, columns_of
from sparq_core.ledger.files import is_stream, whole
from sparq_core.ledger.outputs import check_free, output
from sparq_core.ledger.reader import GRADING, Reader
from sparq_core.publish import merging
from sparq_core.publish.dataset_card import Dataset, Files, dataset_card
from sparq_core.publish.markdown import is_card_of_ours
from sparq_core.publish.selection import Selection, scale, selected

Rows = Iterable[dict[str, Any]]
Write = Callable[[Path, Rows, Sequence[Column]], int]
"""Writes rows that have these columns to a file; gives how many."""
CARD = ".card.md"
"""What the name of a file's card ends in."""
README, DATA = "README.md", "data"
"""The card of a folder, and where its rows are."""
_SHARD = re.compile(rf"{DATA}/train-\d{{5}}-of-\d{{5}}\.\w+")
SHARD_ROWS = 100_000


class Format(NamedTuple):
    """A way to write rows."""

    loader: str
    """What `load_dataset` calls it."""
    write: Write


FORMATS = {
    "jsonl": Format("json", lambda path, rows, _: dataset.write_jsonl(path, rows)),
    "parquet": Format("parquet", dataset.write_parquet),
}


class Order(Struct, frozen=True, kw_only=True):
    """What is to be exported, and how."""

    runs: Sequence[Path]
    kind: str = "jsonl"
    """One of `FORMATS`."""
    grading: int = GRADING
    licence: str | None = None
    screen: str = "duplicates"
    """The plugin that turns away what an earlier run has already, where there are several."""
    options: Sequence[str] = ()
    """Its options, as `name=value`."""
    shard_rows: int = SHARD_ROWS
    """Most rows of a file in a folder."""
    known_as: str = "FOLDER"
    """What the card of a folder calls the place that it is loaded from."""


class Exported(NamedTuple):
    """What was written."""

    place: str
    """The file or folder, as it may be shown."""
    rows: int
    turned_away: int
    """Problems that were left out, since others were there before them."""
    loaded_by: str
    """The arguments of `load_dataset` that find it."""
    card: str | None
    """Where it is; None for a device or a pipe."""


def export(order: Order, to: str) -> Exported:
    """
    Write a dataset and its card to a file, or to a folder where `to` is one or has no ending.

    PipelineError where something else than an earlier export is there, or two of the runs are one.
    """
    return _to_folder(order, Path(to)) if is_folder(to) else _to_file(order, Path(to))


def is_folder(to: str) -> bool:
    """Whether a place is for a folder: it is one, its name ends in a slash, or it has no ending and nothing is there."""
    path = Path(to)
    return path.is_dir() or to.endswith("/") or not (path.suffix or path.exists() or is_stream(path))


def is_earlier_folder(folder: Path) -> bool:
    """Whether all that is in a folder is an earlier export, and its card was not edited."""
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    return README in there and all(map(is_name_of_ours, there)) and is_card_of_ours(folder / README)


def is_name_of_ours(name: str) -> bool:
    """Whether a file of a folder has a name that we give."""
    return name == README or bool(_SHARD.fullmatch(name))


def _to_file(order: Order, to: Path) -> Exported:
    card = None if is_stream(to) else to.with_name(to.name + CARD)
    loader = FORMATS[order.kind].loader
    with output(to, "--to", dataset.COMMON) as partial, _selections(order) as found:
        if card:
            check_free(card, "--to", is_card_of_ours)
        columns = _columns(found)
        count = FORMATS[order.kind].write(partial, _rows(found, columns), columns)
        files = Files({"train": to.name}, _loaded_by(loader, to.name))
        text = dataset_card(Dataset(found, columns, _scale(found), count, files, order.licence))
    if card:
        with whole(card) as partial:
            partial.write_text(text, encoding="utf-8")
    return Exported(str(to), count, _turned_away(found), _loaded_by(loader, str(to)), str(card) if card else None)


def _to_folder(order: Order, to: Path) -> Exported:
    with outputs.folder(to, "--to", is_earlier_folder) as partial, _selections(order) as found:
        (partial / DATA).mkdir()
        columns = _columns(found)
        count = _write_shards(partial / DATA, _rows(found, columns), columns, order)
        files = Files({"train": f"{DATA}/train-*.{order.kind}"}, repr(order.known_as))
        text = dataset_card(Dataset(found, columns, _scale(found), count, files, order.licence))
        (partial / README).write_text(text, encoding="utf-8")
    return Exported(str(to), count, _turned_away(found), repr(str(to)), str(to / README))


def _write_shards(folder: Path, rows: Rows, columns: Sequence[Column], order: Order) -> int:
    """Write rows to as many files as they take, which are named as `datasets` names them; gives how many rows."""
    made, count, left = list[Path](), 0, iter(rows)
    while (first := next(left, None)) is not None or not made:
        some = () if first is None else chain([first], islice(left, order.shard_rows - 1))
        made.append(folder / f"{len(made)}")
        count += FORMATS[order.kind].write(made[-1], some, columns)
    for i, path in enumerate(made):
        path.rename(folder / f"train-{i:05}-of-{len(made):05}.{order.kind}")
    return count


@contextmanager
def _selections(order: Order) -> Iterator[list[Selection]]:
    """What is exported of each run, which is read as it is now, whatever is written to it meanwhile."""
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Reader.open(folder, order.grading)) for folder in order.runs]
        for ledger in ledgers:
            stack.enter_context(ledger.snapshot())
        turned_away: Sequence[dict[str, str]] = [{}]
        if len(ledgers) > 1:
            merging.check_apart(order.runs, ledgers)
            turned_away = merging.turned_away(ledgers, order.screen, order.options)
        places = scale(ledgers)
        yield [
            selected(folder, ledger, places, away, dataset.chosen_problems(ledger))
            for folder, ledger, away in zip(order.runs, ledgers, turned_away, strict=True)
        ]


def _columns(found: Sequence[Selection]) -> list[Column]:
    return columns_of(found[0].ledger) if len(found) == 1 else merging.common_columns([s.ledger for s in found])


def _rows(found: Sequence[Selection], columns: Sequence[Column]) -> Rows:
    return dataset.rows(found[0].ledger, found[0].examples()) if len(found) == 1 else merging.rows(found, columns)


def _scale(found: Sequence[Selection]) -> int:
    return scale([selection.ledger for selection in found])


def _turned_away(found: Sequence[Selection]) -> int:
    return sum(len(selection.turned_away) for selection in found)


def _loaded_by(loader: str, file: str) -> str:
    return f"{loader!r}, data_files={file!r}"
