"""
One run of a program, in the process that was forked and confined for it.

Whatever happens here is the program's word: it may replace all of this code, and gains nothing but another answer of its own.
"""

import ast
import io
import json
import os
import sys
from typing import Any, NoReturn

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
        frame = _answer(request, most)
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


def _answer(request: bytes, most: int) -> bytes:
    source, entry, arguments = json.loads(request)
    printed = Printed(most)
    sys.stdin, sys.stderr = io.StringIO(), Discarded()
    sys.stdout = printed if entry is None else Discarded()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<program>", "exec", dont_inherit=True), namespace)  # noqa: S102 -- it is what this process is for
    if entry is None:
        value: object = printed.text()
    elif entry not in namespace:
        raise NameError(f"the program defines no {entry!r}")
    else:
        value = namespace[entry](*ast.literal_eval(arguments))
    text = repr(value).encode("utf-8", "backslashreplace")
    return b"o" if len(text) > most else b"v" + text


def _told(error: BaseException) -> bytes:
    """An error in a line; its own `__str__` is the program's, too."""
    name = type(error).__name__
    try:
        told = f"{name}: {error}" if str(error) else name
    except BaseException:  # noqa: BLE001 -- as above
        told = name
    return told[:MOST_DETAIL].encode("utf-8", "backslashreplace")
