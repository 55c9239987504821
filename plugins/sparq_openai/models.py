"""Which models servers say that they serve; asked without the client, whose import takes longer than their answers."""

import http.client
import time
from collections.abc import Iterator, Sequence
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec
from msgspec import Struct

import sparq_core as sparq
from sparq_openai.secrets import Secret

WITHIN = 5.0
"""Seconds that all servers are given together."""
LONGEST_LIST = 2**20
"""Bytes of a list of models that are read."""
MOST_NAMED = 3
"""Models of a server that are named in a message."""
WITHOUT_LIST = {404, 405, 501}
"""Statuses of a server that keeps no list."""


class Served(Struct, frozen=True):
    """A model in a server's list."""

    id: str


class Listed(Struct, frozen=True):
    """A server's list of models."""

    data: list[Served]


_listed = msgspec.json.Decoder(Listed)  # here, since msgspec crashes where two threads meet a type for the first time


class NoRedirects(HTTPRedirectHandler):
    """Leads nowhere else: the key is for this server alone."""

    def redirect_request(self, *_: object) -> None:
        return None


class Asking(Thread):
    """One server that is asked; what it has not told in time is not waited for."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self.url, self._key = url, key
        self.wrong = f"gave no answer within {WITHIN:g} s"
        """What keeps it from being used."""
        self.models: list[str] | None = None
        """What it serves; None where it does not say."""

    def run(self) -> None:
        """Ask, and keep what comes of it."""
        head = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        request = Request(f"{self.url.rstrip('/')}/models", headers=head)  # noqa: S310 -- checked to be http
        try:
            with build_opener(NoRedirects).open(request, timeout=WITHIN) as answer:
                self.models = _models(answer.read(LONGEST_LIST), Secret(self._key))
            self.wrong = ""
        except HTTPError as error:
            self.wrong = "" if error.code in WITHOUT_LIST else f"answers {error.code} where its models are asked for"
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.wrong = f"cannot be reached ({_reason(error)})"


def findings(urls: Sequence[str], model: str, key: str) -> Iterator[sparq.Finding]:
    """
    What stands against sampling `model` from the servers, found by asking each for its models.

    A server that is not there yet is a warning, since a run goes on with the others. A server that does not serve what
    another one serves is an error.
    """
    asked = [Asking(url, key) for url in urls]
    for thread in asked:
        thread.start()
    ends = time.monotonic() + WITHIN
    for thread in asked:
        thread.join(max(0.0, ends - time.monotonic()))
    somewhere = any(model in (thread.models or ()) for thread in asked)
    for thread in asked:
        if thread.wrong:
            message = f"{thread.url} {thread.wrong}; is it running, and is its address right?"
            yield sparq.Finding(level="warning", place="with.base_url", message=message)
        elif thread.models is not None and model not in thread.models:
            message = f"{thread.url} says it serves {_named(thread.models)}, not '{model}'" + (
                " as the others do; serve the same model everywhere, under one name" if somewhere else ""
            )
            yield sparq.Finding(level="error" if somewhere else "warning", place="with.base_url", message=message)


def _models(text: bytes, secret: Secret) -> list[str] | None:
    try:
        return [secret.out_of(model.id) for model in _listed.decode(text).data]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _named(models: Sequence[str]) -> str:
    more = ", …" if len(models) > MOST_NAMED else ""
    return ", ".join(f"'{sparq.shortened(model, 100)}'" for model in models[:MOST_NAMED]) + more or "nothing"


def _reason(error: Exception) -> str:
    """In the system's words, never in the server's, which may hold the key."""
    reason = error.reason if isinstance(error, URLError) else error
    return (isinstance(reason, OSError) and reason.strerror) or type(reason).__name__
