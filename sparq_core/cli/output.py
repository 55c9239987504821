"""
Where all that is printed goes: nothing about it can end what is being done.

Standard output and error are replaced by streams that let go of what cannot be written: a full disk, a closed pipe, a terminal
that is gone. A character that an encoding lacks is shown by one that it has.
"""

import codecs
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

ALIKE = {
    "→": "->",
    "…": "...",
    "·": "-",
    "–": "-",
    "—": "-",
    "─": "-",
    "−": "-",
    "✓": "ok",
    "⚠": "!",
    "±": "+/-",
    "×": "x",
    **dict(zip("▁▂▃▄▅▆▇█", "_.-:=+*#", strict=True)),
}
"""How characters that we print are shown where there is only ASCII."""
GONE = {errno.EPIPE, errno.EIO, errno.EBADF}
"""Nobody is there to read: `head` has seen enough, the terminal is closed."""


class Lenient(io.RawIOBase):
    """A file descriptor to write to, as long as that is possible."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.lost: OSError | None = None
        """Why what is written now is let go of."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self.lost is None and os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        while self.lost is None:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                select.select([], [self._descriptor], [])
            except OSError as error:
                self.lost = error
        return len(data)


@contextmanager
def lenient() -> Iterator[None]:
    """While standard output and error are such streams."""
    _occupy()
    codecs.register_error("alike", _alike)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _stream(1, before[0]), _stream(2, before[1])
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def why_lost() -> str | None:
    """Why standard output could not be written, though somebody may have waited for it."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    lost = raw.lost if isinstance(raw, Lenient) else None
    return lost.strerror if lost and lost.errno not in GONE else None


def _stream(descriptor: int, before: TextIO | None) -> io.TextIOWrapper:
    raw = Lenient(descriptor)
    encoding = (before and before.encoding) or "utf-8"
    buffer = io.BufferedWriter(raw)
    buffered = not (descriptor == 2 or raw.isatty())
    return io.TextIOWrapper(buffer, encoding, errors="alike", line_buffering=not buffered)


def _occupy() -> None:
    """Let no file be opened in the place of a closed standard stream, where what is printed would go into it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _alike(error: UnicodeError) -> tuple[str, int]:
    """Other characters for those that the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(ALIKE.get(character, "?") for character in missing), error.end
