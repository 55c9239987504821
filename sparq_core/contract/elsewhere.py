"""
Places that are not on this machine, as fsspec knows them: `s3://`, `gs://`, `hf://`, `https://`, `memory://` and more.

What is read from there is fetched first, into a folder of the user's cache that is named by what the store says of each file,
so that it is fetched again only where that is another.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

import msgspec

from sparq_core.contract.errors import PipelineError, SparqError
from sparq_core.contract.messages import raised

_URL = re.compile(r"[a-zA-Z][\w+.-]*://|[a-zA-Z][\w+-]*::")
_LOCAL = re.compile(r"(file|local)://")
_LOGIN = re.compile(r"(?<=//)[^/@]*@")
_VERSION = {
    "size",
    "etag",
    "checksum",
    "md5hash",
    "mtime",
    "created",
    "lastmodified",
    "last_modified",
    "blob_id",
    "version",
}
"""What stores tell of a file that is another where its content is, in lower case."""


def is_elsewhere(place: str) -> bool:
    """Whether a place is a URL of a store other than this machine's own file system."""
    return bool(_URL.match(place)) and not _LOCAL.match(place)


def local(place: str) -> str:
    """A place on this machine as a path."""
    return _LOCAL.sub("", place)


def without_login(url: str) -> str:
    """A URL as it may be shown: without the name and the password that may stand in it."""
    return _LOGIN.sub("", url)


def store(url: str, what: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it; PipelineError, with what cannot be done, where it is not known."""
    try:
        import fsspec
    except ImportError:
        raise PipelineError(f"{without_login(url)}: needs fsspec: pip install 'sparq-engine[remote]'") from None
    with asked(url):
        try:
            fs, path = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise PipelineError(f"{without_login(url)}: cannot be {what}: {error}") from error
    return fs, path.rstrip("/")


@contextmanager
def asked(url: str) -> Iterator[None]:
    """While a store is asked, whose client raises whatever it likes: SparqError with the URL."""
    try:
        yield
    except (SparqError, OSError) as error:
        if isinstance(error, SparqError) or error.filename:
            raise
        raise SparqError(f"{without_login(url)}: {without_login(raised(error))}") from error
    except Exception as error:
        raise SparqError(f"{without_login(url)}: {without_login(raised(error))}") from error


def fetched(url: str, place: str) -> Path:
    """
    A copy on this machine of the file or folder that a URL names; PipelineError, led by `place`, where there is none.

    It is below `$XDG_CACHE_HOME/sparq/fetched`, or `~/.cache/sparq/fetched`, which may be deleted while no run needs it.
    """
    try:
        fs, path = store(url, "read")
        with asked(url):
            fs.invalidate_cache()
            files = _files(fs, path)
        if not files:
            raise PipelineError(f"{without_login(url)}: there is no file or folder")
    except SparqError as error:
        raise PipelineError(f"{place}: {error}") from error
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sparq" / "fetched"
    copy = cache / _named(url, files) / (PurePosixPath(path).name or "root")
    if not copy.exists():
        _fetch(fs, files, copy, url, place)
    return copy


def _files(fs: Any, path: str) -> dict[str, Mapping[str, Any]]:
    """
    The files of a place with what the store says of them, by their paths from there; a single file is at the empty path.

    None where there is no such place.
    """
    try:
        about = fs.info(path)
    except FileNotFoundError:
        return {}
    if about["type"] != "directory":
        return {"": about}
    return {file.removeprefix(path).lstrip("/"): told for file, told in fs.find(path, detail=True).items()}


def _named(url: str, files: Mapping[str, Mapping[str, Any]]) -> str:
    versions = {
        file: {name.lower(): str(value) for name, value in told.items() if name.lower() in _VERSION}
        for file, told in files.items()
    }
    return hashlib.blake2b(msgspec.json.encode([url, versions], order="sorted"), digest_size=8).hexdigest()


def _fetch(fs: Any, files: Mapping[str, Mapping[str, Any]], copy: Path, url: str, place: str) -> None:
    """All of it or nothing: what another process fetched meanwhile is as good."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(dir=copy.parent, prefix=".fetching-"))
    try:
        with asked(url):
            for file, about in files.items():
                target = scratch / "copy" / file
                if not target.resolve().is_relative_to(scratch / "copy"):
                    told = f"{without_login(url)}: a file is named {file!r}, which leads out of the folder"
                    raise PipelineError(f"{place}: {told}")
                target.parent.mkdir(parents=True, exist_ok=True)
                fs.get_file(about["name"], str(target))
        if not copy.exists():
            (scratch / "copy").rename(copy)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
