"""Files that are written whole or not at all, and are on the disk before they are told of."""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sparq_core.contract.errors import RunLockedError

PARTIAL = ".partial"
"""What the name of a file ends in until it is whole."""
STREAMS = ("/dev/std", "/dev/fd/", "/proc/")
"""Names by which a process reaches its own output, which may be a regular file."""
WITHOUT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""How file systems say that they have no such thing as a folder's sync."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """
    Where to write a file that shall be there whole or not at all, whatever ends the process or the machine.

    Of a link, what it leads to is replaced; a device or a pipe is written to as it is. RunLockedError while another process
    writes the same file.
    """
    if is_stream(path):
        yield path
        return
    path = path.resolve()
    make_folder(path.parent)
    partial = path.with_name(path.name + PARTIAL)
    with _held(partial) as descriptor:
        try:
            yield partial
            os.fsync(descriptor)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    sync(path.parent)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """
    An empty folder to write into, which takes the place of another, or of none, once it is whole and on the disk.

    A kill in between may leave neither in that place. Of a link, what it leads to is replaced. RunLockedError while another
    process writes the same folder.
    """
    path = path.resolve()
    make_folder(path.parent)
    partial, before = path.with_name(path.name + PARTIAL), path.with_name(f"{path.name}.before{PARTIAL}")
    partial.mkdir(exist_ok=True)
    descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(descriptor, partial)
        _clear(partial)
        yield partial
        sync_all(partial)
        shutil.rmtree(before, ignore_errors=True)
        if path.exists():
            path.rename(before)
        partial.rename(path)
    except RunLockedError:
        raise
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(descriptor)
    sync(path.parent)
    shutil.rmtree(before, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Take out what a killed process has left."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def is_stream(path: Path) -> bool:
    """Whether a path leads to a device, a pipe or a process's own output, so that there is nothing to replace."""
    return str(path).startswith(STREAMS) or (path.exists() and not path.is_file() and not path.is_dir())


def make_folder(path: Path) -> None:
    """A folder, with those above it that are missing; their names are on the disk before anything is in them."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        with suppress(PermissionError):  # where folders may be made but not listed, as in some shared ones
            sync(folder.parent)


def sync(path: Path) -> None:
    """Do not come back before a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not (path.is_dir() and error.errno in WITHOUT_SYNC):
            raise
    finally:
        os.close(descriptor)


def sync_all(folder: Path) -> None:
    """As `sync`, for a folder with all that is in it."""
    for path in (*folder.rglob("*"), folder):
        if path.is_file() or path.is_dir():
            sync(path)


def copy_all(
    folder: Path,
    to: Path,
    copy: Callable[[Path, Path], object] = shutil.copyfile,
    left_out: Callable[[Path], bool] = lambda _: False,
) -> None:
    """Copy what is in a folder; what cannot be copied is an error as it came, where `shutil.copytree` gives texts."""
    to.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        if left_out(path):
            continue
        if path.is_dir():
            copy_all(path, to / path.name, copy, left_out)
        else:
            copy(path, to / path.name)


@contextmanager
def _held(partial: Path) -> Iterator[int]:
    """An empty file that this process alone writes, as its descriptor; what a killed one has left there is taken over."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor, partial)
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, partial: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy(partial) from None
    except OSError:
        return  # a file system without locks: there, two who write one file are not told
    if not (partial.exists() and os.path.samestat(os.fstat(descriptor), partial.stat())):
        raise _busy(partial)


def _busy(partial: Path) -> RunLockedError:
    return RunLockedError(f"{partial}: another process is writing this; wait for it, or choose another name")
