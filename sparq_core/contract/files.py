"""Files that users hand in, read within bounds: whatever is wrong with one is a PipelineError with its place and a remedy."""

import gzip
import json
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.messages import shown
from sparq_core.contract.texts import valid

LONGEST_LINE = 64 << 20
"""Bytes of a line, which is held in memory."""
DEEPEST = 100
"""Values within values, in a row of JSON and in a pipeline."""
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
FOREIGN = {
    GZIP: "is a gzip archive: unpack it",
    b"PAR1": "is a Parquet file: `parquet-seeds` reads seeds from one; elsewhere a text file is expected, so convert it",
    b"PK\x03\x04": "is a zip archive or a spreadsheet: unpack it, or save it as text",
    b"\x28\xb5\x2f\xfd": "is a zstd archive: unpack it",
    b"\xff\xfe": "is in UTF-16: save it as UTF-8, as `iconv -f UTF-16 -t UTF-8` does",
    b"\xfe\xff": "is in UTF-16: save it as UTF-8, as `iconv -f UTF-16 -t UTF-8` does",
}
"""What files begin with that are no text in UTF-8."""


class Line(NamedTuple):
    """A line of JSON."""

    number: int
    """From 1."""
    place: str
    """The file and the line, for messages."""
    row: dict[str, Any]
    """The object that it holds."""


def kind_of(path: Path) -> str:
    """`file`, `folder`, `special` for a device, pipe or socket, `link` where it leads nowhere, and nothing where nothing is."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        try:
            return "link" if path.is_symlink() else ""
        except (OSError, ValueError):
            return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "special"


def absolute(path: Path) -> Path:
    """Where a path leads to, links followed; the path itself where they lead nowhere."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path


def refusal(path: Path) -> str:
    """Why nothing can be read at a path; empty where a file or a folder is."""
    return {
        "": "there is no file",
        "special": "expected a file, not a device or a pipe; write its content to a file:",
        "link": "there is a broken link at",
    }.get(kind_of(path), "")


def check_nameable(path: Path) -> None:
    """PipelineError for a path that no ledger can name: bytes in it are no UTF-8."""
    try:
        str(absolute(path)).encode()
    except UnicodeEncodeError:
        raise PipelineError(f"{shown(path)}: its name is not valid UTF-8; rename the folder") from None


def read_text(path: Path, most: int, absent: str = "give another path") -> str:
    """The text of a file of at most so many bytes; `absent` is the remedy where there is none."""
    with _reading(path, absent) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise PipelineError(
            f"{shown(path)}: is larger than {most:,} bytes, more than such a file can have; is it the right one?"
        )
    _refuse_foreign(path, data, FOREIGN)
    return _decoded(data.removeprefix(BOM), shown(path))


def text_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """The lines of a text in UTF-8, plain or gzipped, that are not blank, each with its number."""
    path = Path(path)
    with _reading(path, "give another path") as file:
        head = file.peek(8)
        _refuse_foreign(path, head, {magic: said for magic, said in FOREIGN.items() if magic != GZIP})
        lines = gzip.GzipFile(fileobj=file) if head.startswith(GZIP) else file
        number = 0
        try:
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                place = f"{shown(path)}, line {number}"
                if len(line) > LONGEST_LINE:
                    raise PipelineError(f"{place}: is longer than {LONGEST_LINE >> 20} MB; write one row per line")
                if line.strip():
                    yield number, _decoded(line.removeprefix(BOM) if number == 1 else line, place)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise PipelineError(f"{shown(path)}: is a broken gzip archive, after line {number}: {error}") from error


def json_lines(path: str | Path) -> Iterator[Line]:
    """
    The rows of a file of JSON lines, plain or gzipped, blank lines left out; PipelineError for the first that is no row.

    A row is an object, at most 100 values deep, whose texts UTF-8 can hold: lone surrogates become U+FFFD.
    """
    for number, text in text_lines(path):
        place = f"{shown(path)}, line {number}"
        yield Line(number, place, _row(text, place))


def _row(text: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        said = f"is not JSON: {error.msg} at character {error.pos + 1}"
        raise PipelineError(f'{place}: {said}; each line is an object, as {{"problem": "…", "answer": "…"}}') from error
    except ValueError as error:
        raise PipelineError(f"{place}: contains a number of more than 4,300 digits; write it as a string") from error
    except RecursionError as error:
        raise _too_deep(place) from error
    if not isinstance(row, dict):
        raise PipelineError(f"{place}: is a {type(row).__name__}, each line must be an object")
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(row):
        raise _too_deep(place)
    return _mended(row) if "\\ud" in text or "\\uD" in text else row


def _too_deep(place: str) -> PipelineError:
    return PipelineError(f"{place}: is nested deeper than {DEEPEST} values; write deeper values as a string")


def _is_deep(row: dict[str, Any]) -> bool:
    level: list[Any] = [row]
    for _ in range(DEEPEST):
        level = [v for value in level if isinstance(value, dict | list) for v in _inner(value)]
    return bool(level)


def _inner(value: dict[str, Any] | list[Any]) -> list[Any]:
    return value if isinstance(value, list) else list(value.values())


def _mended(value: Any) -> Any:
    if isinstance(value, dict):
        return {valid(name): _mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return valid(value) if isinstance(value, str) else value


@contextmanager
def _reading(path: Path, absent: str) -> Iterator[BufferedReader]:
    kind = kind_of(path)
    if kind != "file":
        said = {
            "folder": "is a folder, not a file; name a file in it",
            "special": "is a device or a pipe; write its content to a file and name that file",
            "link": "is a broken link; fix it, or name the file itself",
        }.get(kind, f"there is no such file; {absent}")
        raise PipelineError(f"{shown(path)}: {said}")
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise PipelineError(f"{shown(path)}: cannot be read: {error.strerror or error}") from error


def _refuse_foreign(path: Path, head: bytes, foreign: dict[bytes, str]) -> None:
    for magic, said in foreign.items():
        if head.startswith(magic):
            raise PipelineError(f"{shown(path)}: {said}")


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        line = f" (line {number})" * (b"\n" in data[:-1])
        raise PipelineError(
            f"{place}: holds the byte 0x{data[error.start]:02x}, which is not UTF-8{line}; save it as UTF-8, as "
            "`iconv -f LATIN1 -t UTF-8` does"
        ) from error
