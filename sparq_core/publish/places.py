"""
Places elsewhere that a dataset may go to.

The dataset is written here first, then sent. No store takes several files at once, so a folder is marked as unfinished while it
is sent: the mark is there first and goes last. What an earlier export has left is known by its card, or by that mark.
"""

import shutil
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from sparq_core.contract.elsewhere import asked, is_elsewhere, local, store, without_login
from sparq_core.contract.errors import PipelineError
from sparq_core.publish import export as here
from sparq_core.publish.export import CARD, DATA, README, Exported, Order
from sparq_core.publish.markdown import LARGEST, is_text_of_ours

UNFINISHED = ".sparq-unfinished"
"""The file that is in a folder as long as not all of it was sent."""


def export(order: Order, to: str) -> Exported:
    """
    As `export.export`, to a path or a URL.

    PipelineError where the store is not known, or something else than an earlier export is there; SparqError where it refuses
    what it is sent.
    """
    if not is_elsewhere(to):
        return here.export(order, local(to))
    fs, path = store(to, "written to")
    with TemporaryDirectory(prefix="sparq-") as scratch, asked(to):
        if here.is_folder(to):
            _check_folder(fs, path, to)
            done = here.export(order, f"{scratch}/folder/")
            _send_folder(fs, Path(scratch, "folder"), path)
            return _sent(done, f"{to.rstrip('/')}/{README}", f"{to.rstrip('/')}/{DATA}/*.{order.kind}", order)
        _check_file(fs, path, to)
        name = PurePosixPath(path).name
        done = here.export(order, f"{scratch}/{name}")
        _send(fs, Path(scratch, name + CARD), path + CARD)
        _send(fs, Path(scratch, name), path)
        return _sent(done, to + CARD, to, order)


def _sent(done: Exported, card: str, files: str, order: Order) -> Exported:
    loader = here.FORMATS[order.kind].loader
    loaded_by = f"{loader!r}, data_files={without_login(files)!r}"
    place = without_login(files.partition(f"/{DATA}/*.")[0])
    return done._replace(place=place, card=without_login(card), loaded_by=loaded_by)


def _check_file(fs: Any, path: str, to: str) -> None:
    """PipelineError where a file, or its card, is there that is no earlier export."""
    if fs.isdir(path):
        raise PipelineError(
            f"{without_login(to)}: is a folder; give a name without an extension, or one that ends in /"
        )
    there = fs.exists(path + CARD)
    if (there and not _is_card(fs, path + CARD)) or (fs.exists(path) and not there):
        raise PipelineError(
            f"{without_login(to)}: already exists, without an unedited card by sparq; choose another --to"
        )


def _check_folder(fs: Any, path: str, to: str) -> None:
    """PipelineError where anything is in a folder that is no earlier export."""
    there = _names(fs, path)
    known = UNFINISHED in there or (README in there and _is_card(fs, f"{path}/{README}"))
    if there and not (known and all(name == UNFINISHED or here.is_name_of_ours(name) for name in there)):
        raise PipelineError(
            f"{without_login(to)}: contains something other than an earlier output of this command; empty it, or choose "
            "another --to"
        )


def _names(fs: Any, path: str) -> list[str]:
    """All files below a path, by their names from there."""
    if not fs.exists(path):
        return []
    fs.invalidate_cache()
    root = fs._strip_protocol(path).rstrip("/")  # noqa: SLF001 -- the only way that fsspec has to make a path comparable
    return [file[len(root) + 1 :] for file in fs.find(path)]


def _is_card(fs: Any, path: str) -> bool:
    with fs.open(path, "rb") as file:
        return is_text_of_ours(file.read(LARGEST + 1))


def _send_folder(fs: Any, folder: Path, path: str) -> None:
    """Send a folder in the place of an earlier one, marked as unfinished until all of it is there."""
    before = _names(fs, path)
    fs.makedirs(f"{path}/{DATA}", exist_ok=True)
    with fs.open(f"{path}/{UNFINISHED}", "wb") as mark:
        mark.write(b"sparq export is writing this folder, or was ended while it did\n")
    for name in before:
        if name != UNFINISHED:
            fs.rm_file(f"{path}/{name}")
    for file in sorted((folder / DATA).iterdir()):
        _send(fs, file, f"{path}/{DATA}/{file.name}")
    _send(fs, folder / README, f"{path}/{README}")
    fs.rm_file(f"{path}/{UNFINISHED}")


def _send(fs: Any, file: Path, path: str) -> None:
    with file.open("rb") as source, fs.open(path, "wb") as target:
        shutil.copyfileobj(source, target, 2**20)
