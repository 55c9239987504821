"""
One run of a program, in the process that was forked and confined for it.

Whatever happens here is the program's word: it may replace all of this code, and gains nothing but another answer of its own.
"""

import io
import os
import struct
import sys
from typing import Any, NoReturn

REQUEST = struct.Struct("=II")
"""Before source, entry and arguments: the bytes of the first two."""
MOST_DETAIL = 500
"""Characters of an error that are told."""


class Printed(io.TextIOBase):
    """Where a program prints: kept up to a limit, beyond which it ends."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most
        self._parts: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise TooMuchPrintedError
        self._parts.append(text)
        return len(text)

    def text(self) -> str:
        """All that was printed."""
        return "".join(self._parts)


class TooMuchPrintedError(BaseException):
    """A program that prints beyond its limit does not go on: no `except Exception` holds this."""


class Discarded(io.TextIOBase):
    """Where a program prints whose answer is what a function returns."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


def run(request: bytes, channel: int, most: int) -> NoReturn:
    """Run what is asked for and write one frame: a letter, and what it is of."""
    try:
        frame = answer(request, most)
    except MemoryError:
        frame = b"m"
    except TooMuchPrintedError:
        frame = b"o"
    except BaseException as error:  # noqa: BLE001 -- whatever a program raises is told
        frame = b"e" + _told(error)
    try:
        while frame:
            frame = frame[os.write(channel, frame) :]
    finally:
        os._exit(0)


def answer(request: bytes, most: int) -> bytes:
    """The frame of a program that runs to its end."""
    texts, (first, second) = request[REQUEST.size :], REQUEST.unpack_from(request)
    source, entry, arguments = texts[:first], texts[first : first + second], texts[first + second :]
    value = _called(source, entry.decode(), arguments.decode()) if entry else _printed(source, most)
    text = repr(value).encode("utf-8", "backslashreplace")
    return b"o" if len(text) > most else b"v" + text


def _namespace(source: bytes) -> dict[str, Any]:
    """What a program defines, as the main module."""
    main = sys.modules["__main__"] = type(sys)("__main__")
    exec(compile(source.decode(), "<program>", "exec", dont_inherit=True), vars(main))  # noqa: S102 -- what this is for
    return vars(main)


def _called(source: bytes, entry: str, arguments: str) -> object:
    """What a function of a program returns."""
    names = _namespace(source)
    if entry not in names:
        raise NameError(f"the program defines no {entry!r}")
    return names[entry](*eval(arguments, {}))  # noqa: S307 -- a literal of ours, in the process that is confined


def _printed(source: bytes, most: int) -> str:
    """What a program prints until it ends, or says that all went well."""
    sys.stdout = printed = Printed(most)
    try:
        _namespace(source)
    except SystemExit as error:
        if error.code:
            raise
    return printed.text()


def _told(error: BaseException) -> bytes:
    """An error in a line; its own `__str__` is the program's, too."""
    name = type(error).__name__
    try:
        told = f"{name}: {error}" if str(error) else name
    except BaseException:  # noqa: BLE001 -- as above
        told = name
    return told[:MOST_DETAIL].encode("utf-8", "backslashreplace")
