"""Untrusted programs, run one by one in processes that can do nothing but compute."""

import os
import signal
from collections.abc import Collection, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Self

from sparq_sandbox.forking import Ending, ForkServer, LostError
from sparq_sandbox.literals import NotALiteralError, read_literal, write_literal
from sparq_sandbox.program import MOST_DETAIL, REQUEST
from sparq_sandbox.records import Availability, Limits, Outcome, UnavailableError, Value

TRIES = 3
"""Processes that are lost before a run is `killed`."""
MOST_REQUEST = 16 << 20
STANDARD = (
    "bisect",
    "cmath",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "random",
    "re",
    "statistics",
    "string",
    "typing",
)
"""Modules that short programs ask for: those of the standard library that compute, and `json`."""


class Sandbox:
    """
    Runs programs of Python in processes that can do nothing but compute; may be used from any thread.

    Each run has a fresh process, confined by the kernel before it sees the program, within the limits. Use it in a `with`
    statement, or close it.
    """

    def __init__(self, *, imports: Sequence[str] = (), limits: Limits | None = None) -> None:
        """
        Start the fork server. `imports` are the modules that programs may import, `limits` what one run may use.

        UnavailableError where the kernel cannot confine programs, ImportError for a module that cannot be imported, TypeError
        for imports that are no list of names, or limits that are no `Limits`.
        """
        if isinstance(imports, str) or not (
            isinstance(imports, Collection) and all(isinstance(name, str) for name in imports)
        ):
            raise TypeError(
                f"Sandbox(imports={imports!r}): give a list of module names, such as imports=['math', 'json']"
            )
        if not isinstance(limits, Limits | None):
            raise TypeError(f"Sandbox(limits={limits!r}): give limits=Limits(...), such as Limits(seconds=2, wall=20)")
        self.limits = limits or Limits()
        try:
            self._server = ForkServer(tuple(imports), self.limits)
        except OSError as error:
            raise UnavailableError(f"the fork server does not start ({error})") from error

    def run(self, source: str, *, entry: str | None = None, arguments: Sequence[Value] = ()) -> Outcome:
        """
        What a program gives: the value of its function `entry`, called with `arguments`, or, without one, what it printed.

        The value is the program's own claim, one literal, read here without running anything. Compare it here, or in another
        run: never where the program ran. ValueError for an entry that is no name, arguments that are no literals, or more than
        16 MiB of source and arguments; TypeError for arguments that are one text.
        """
        if isinstance(arguments, str | bytes):
            raise TypeError(f"arguments={arguments!r}: give them in a tuple, as in arguments=({arguments!r},)")
        if entry is not None and not entry.isidentifier():
            raise ValueError(f"entry is {entry!r}: name a function of the program")
        texts = [
            text.encode("utf-8", "surrogatepass") for text in (source, entry or "", write_literal(tuple(arguments)))
        ]
        request = REQUEST.pack(len(texts[0]), len(texts[1])) + b"".join(texts)
        if len(request) > MOST_REQUEST:
            raise ValueError(f"a program of {len(request):,} bytes: at most {MOST_REQUEST:,} with its arguments")
        for _ in range(TRIES):
            try:
                ending = self._server.run(request)
            except LostError:
                continue
            if ending.late or os.waitstatus_to_exitcode(ending.status) != -signal.SIGKILL:
                return _outcome(ending)
        return Outcome(reason="killed", detail=f"{TRIES} processes were killed from outside, or could not be started")

    def close(self) -> None:
        """End the fork server, and with it all that runs."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@lru_cache(maxsize=1)
def available() -> Availability:
    """Whether programs can be confined here, found out by confining one; falsy with `why` where they cannot."""
    try:
        Sandbox().close()
    except UnavailableError as error:
        return Availability(error.why)
    return Availability()


def _outcome(ending: Ending) -> Outcome:
    """What an ending means. Of the process's own words, only an answer and an error's text are taken up."""
    code = os.waitstatus_to_exitcode(ending.status)
    if ending.late or code in {-signal.SIGPROF, -signal.SIGXCPU}:
        return Outcome(reason="timeout")
    if ending.overflowed:
        return Outcome(reason="output")
    if code == -signal.SIGSYS:
        return Outcome(reason="forbidden")
    if code < 0:
        return Outcome(reason="killed", detail=signal.strsignal(-code) or f"signal {-code}")
    return _said(ending.written)


def _said(frame: bytes) -> Outcome:
    kind, text = frame[:1], frame[1:].decode("utf-8", "replace")
    if kind == b"m":
        return Outcome(reason="memory")
    if kind == b"o":
        return Outcome(reason="output")
    if kind == b"e":
        return Outcome(reason="error", detail=text[:MOST_DETAIL])
    if kind != b"v":
        return Outcome(reason="error", detail="it ended without an answer")
    try:
        return Outcome(value=read_literal(text))
    except NotALiteralError as error:
        return Outcome(reason="not a literal", detail=str(error)[:MOST_DETAIL])
