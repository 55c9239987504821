"""A run's dataset as a file, or as a folder that is ready for the Hub; with its card."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sparq_core.ledger import dataset, outputs
from sparq_core.ledger.dataset_columns import Column, columns_of
from sparq_core.ledger.files import is_stream, whole
from sparq_core.ledger.outputs import check_free, output
from sparq_core.ledger.reader import Reader
from sparq_core.publish.dataset_card import Dataset, Files, dataset_card
from sparq_core.publish.markdown import is_card_of_ours
from sparq_core.publish.selection import Selection, scale, selected

Rows = Iterable[dict[str, Any]]
CARD = ".card.md"
"""What the name of a file's card ends in."""
README, DATA = "README.md", "data"
"""The card of a folder, and where its rows are."""
SHARD = re.compile(r"train-\d{5}-of-\d{5}\.\w+")


class Format(NamedTuple):
    """A way to write rows."""

    loader: str
    """What `load_dataset` calls it."""
    write: Callable[[Path, Rows, Sequence[Column]], int]
    """Writes rows that have these columns; gives how many."""


FORMATS = {
    "jsonl": Format("json", lambda path, rows, _: dataset.write_jsonl(path, rows)),
    "parquet": Format("parquet", dataset.write_parquet),
}


class Exported(NamedTuple):
    """What was written."""

    path: Path
    rows: int
    loaded_by: str
    """The arguments of `load_dataset` that find it."""
    card: Path | None
    """None for a device or a pipe."""


@contextmanager
def selections(folders: Sequence[Path], grading: int) -> Iterator[list[Selection]]:
    """What is exported of these runs, which are read as they are now, whatever they write meanwhile."""
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Reader.open(folder, grading)) for folder in folders]
        for ledger in ledgers:
            stack.enter_context(ledger.snapshot())
        places = scale(ledgers)
        yield [selected(folder, ledger, places) for folder, ledger in zip(folders, ledgers, strict=True)]


def export(run: Path, grading: int, to: Path, kind: str, licence: str | None) -> Exported:
    """
    Write a run's dataset and its card to a file, or to a folder where `to` is one or has no ending.

    PipelineError where something else than an earlier export is there.
    """
    write = _to_folder if is_folder(to) else _to_file
    return write([run], grading, to, kind, licence)


def is_earlier_folder(folder: Path) -> bool:
    """Whether all that is in a folder is an earlier export, and its card was not edited."""
    there = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    ours = (name == README or SHARD.fullmatch(name.removeprefix(f"{DATA}/")) for name in there)
    return README in there and all(ours) and is_card_of_ours(folder / README)


def is_folder(to: Path) -> bool:
    """Whether a place that a user names is for a folder: it is one, or nothing is there and its name has no ending."""
    return to.is_dir() or not (to.suffix or to.exists() or is_stream(to))


def _to_file(folders: Sequence[Path], grading: int, to: Path, kind: str, licence: str | None) -> Exported:
    card = None if is_stream(to) else to.with_name(to.name + CARD)
    loader = FORMATS[kind].loader
    with output(to, "--to", dataset.COMMON) as partial, selections(folders, grading) as found:
        if card:
            check_free(card, "--to", is_card_of_ours)
        made = _written(found, partial, kind, Files(to.name, _loaded_by(loader, to.name)), licence)
        text = dataset_card(made)
    if card:
        with whole(card) as partial:
            partial.write_text(text, encoding="utf-8")
    return Exported(to, made.rows, _loaded_by(loader, str(to)), card)


def _to_folder(folders: Sequence[Path], grading: int, to: Path, kind: str, licence: str | None) -> Exported:
    with outputs.folder(to, "--to", is_earlier_folder) as partial, selections(folders, grading) as found:
        data = partial / DATA
        data.mkdir()
        files = Files(f"{DATA}/train-*.{kind}", '"FOLDER"')
        made = _written(found, data / f"train-00000-of-00001.{kind}", kind, files, licence)
        (partial / README).write_text(dataset_card(made), encoding="utf-8")
    return Exported(to, made.rows, repr(str(to)), to / README)


def _loaded_by(loader: str, file: str) -> str:
    return f"{loader!r}, data_files={file!r}"


def _written(found: Sequence[Selection], path: Path, kind: str, files: Files, licence: str | None) -> Dataset:
    """Write the rows of some runs into a file."""
    (selection,) = found
    columns = columns_of(selection.ledger)
    rows = FORMATS[kind].write(path, dataset.rows(selection.ledger, selection.examples()), columns)
    return Dataset(found, columns, scale([s.ledger for s in found]), rows, files, licence)
