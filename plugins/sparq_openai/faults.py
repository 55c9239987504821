"""What went wrong with a request, and what to do about it. Imports the client: only to be imported when a model is opened."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import msgspec
import openai
from msgspec import Struct

import sparq_core as sparq
from sparq_openai.bounds import ReplyTooLongError

Do = Literal["retry", "stop", "one-each"]

PASSING = {408, 409, 425, 429}
CROWDED = {429, 503, 529}
TRANSPORT = {"httpx", "httpx2", "httpcore", "httpcore2", "h11", "h2"}
"""Packages whose errors mean that a connection broke, where the client lets them through."""
TOO_LONG = re.compile(
    r"context.(length|window|size)|maximum.context|too.long|longer than the (maximum )?model", re.IGNORECASE
)
ABOUT_N = re.compile(r"\bn\b")
MOST_SAID = 100_000


class Fault(Struct, frozen=True, kw_only=True):
    """One failed try."""

    told: str
    """What happened, in words; the server's own may hold a key, and are as many as it likes."""
    do: Do = "retry"
    finish: sparq.Finish | None = None
    """How its completions end where the server will not take the prompt at all."""
    status: int = 0
    """The HTTP status; 0 where there was no whole answer."""
    crowded: bool = False
    """Whether the server has too much to do."""
    reached: bool = True
    """Whether it shows that a server is there."""
    wait: float = 0.0
    """Seconds the server asks to wait."""

    @property
    def broken(self) -> bool:
        """Whether it shows a server that does not work: no answer, or a 5xx that does not mean a crowd."""
        return self.do == "retry" and self.status not in CROWDED and (self.status == 0 or self.status >= 500)


def fault_of(error: Exception, n: int) -> Fault | None:
    """What an exception of a request for `n` samples means; None for one that is no fault of the server's."""
    if isinstance(too_long := error.__cause__ or error, ReplyTooLongError):
        return Fault(told=f"gave an answer that does not end ({too_long})")
    if isinstance(error, openai.APIStatusError):
        return _status_fault(error, n)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Fault(told="gave no answer in time", crowded=True, reached=False)
    if isinstance(error, msgspec.MsgspecError):
        return Fault(told=f"gave an answer that cannot be read ({error})")
    return _broken(error)


def _broken(error: Exception) -> Fault | None:
    cause = error.__cause__ or error
    if isinstance(error, openai.APIConnectionError):
        return Fault(told=f"broke the connection ({str(cause) or type(cause).__name__})", reached=False)
    if type(error).__module__.partition(".")[0] in TRANSPORT:
        return Fault(told=f"broke the connection ({error})")
    return None


def _status_fault(error: openai.APIStatusError, n: int) -> Fault:
    status, said, code = error.status_code, _said(error), str(getattr(error, "code", "") or "")
    fault = Fault(told=f"answered {status}: {said}", do="stop", status=status)
    if status in PASSING or status >= 500:
        do: Do = "stop" if code == "insufficient_quota" else "retry"
        wait = retry_after(error.response.headers.get("retry-after"), datetime.now(UTC))
        return msgspec.structs.replace(fault, do=do, crowded=status in CROWDED, wait=wait)
    if status in {400, 413, 422} and (code == "context_length_exceeded" or TOO_LONG.search(said)):
        return msgspec.structs.replace(fault, finish="too-long")
    if status in {400, 403} and code in {"content_filter", "content_policy_violation"}:
        return msgspec.structs.replace(fault, finish="refused")
    if status in {400, 422} and n > 1 and (error.param == "n" or ABOUT_N.search(said)):
        return msgspec.structs.replace(fault, do="one-each")
    return fault


def retry_after(header: str | None, now: datetime) -> float:
    """The seconds that a `Retry-After` header asks for, by number or by date; 0 without one."""
    if not header:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return 0.0


def _said(error: openai.APIStatusError) -> str:
    """The server's own words on one line."""
    body = error.body
    inner = body.get("error", body) if isinstance(body, dict) else body
    said = (inner.get("message") or inner.get("detail")) if isinstance(inner, dict) else inner
    return " ".join(str(said or "nothing further").split())[:MOST_SAID]
