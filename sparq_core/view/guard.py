"""
Who is let in: a browser on this machine that was given the token, asking for pages of this server alone.

A page elsewhere may have a browser send requests here, even under a name of its own that leads to this machine. So the name
asked for and the origin are checked, a token is needed, and nothing that is asked can change anything.
"""

from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from secrets import compare_digest

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = {"127.0.0.1", "localhost"}
"""Hosts that the server is known by; a port that is forwarded here may have any number."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets through what may be answered; every answer has the headers that keep what is shown inert."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        given = asked.query_params.get("token")
        refused = self._refused(asked, scope.get("method", ""))

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if given is not None and not refused:
                    cookie = f"{_cookie(scope)}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append("Set-Cookie", cookie)
            await send(message)

        await (refused or self._app)(scope, receive, guarded)

    def _refused(self, asked: HTTPConnection, method: str) -> PlainTextResponse | None:
        host = asked.headers.get("host", "")
        if host.rpartition(":")[0] not in NAMES and host not in NAMES:
            return _refusal(HTTPStatus.MISDIRECTED_REQUEST, "This server answers only to 127.0.0.1 and localhost.")
        if asked.headers.get("origin", f"http://{host}") != f"http://{host}":
            return _refusal(HTTPStatus.FORBIDDEN, "Only pages of this server may send requests to it.")
        if method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "The pages here are read-only.")
        given = asked.query_params.get("token") or _cookies(asked).get(_cookie(asked.scope), "")
        if not compare_digest(given.encode(errors="replace"), self._token.encode()):
            return _refusal(
                HTTPStatus.FORBIDDEN,
                "Open the address that `sparq view` printed; it ends with the required token.",
            )
        return None


def _refusal(status: HTTPStatus, why: str) -> PlainTextResponse:
    allowed = {"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else None
    return PlainTextResponse(why + "\n", status, allowed)


def _cookie(scope: Scope) -> str:
    """The name of the cookie: browsers keep one jar for all ports of a host, and there may be several viewers."""
    return f"sparq-view-{(scope.get('server') or ('', 0))[1]}"


def _cookies(asked: HTTPConnection) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(asked.headers.get("cookie", "")).items()}
    except CookieError:
        return {}
