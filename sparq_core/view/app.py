"""The server's pages and where they are; all run in the thread that opened the ledgers."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from importlib.resources import files
from pathlib import Path
from random import SystemRandom
from string import ascii_uppercase

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sparq_core.ledger import browse
from sparq_core.report.page import style_sheet
from sparq_core.view import pages
from sparq_core.view.asked import asked
from sparq_core.view.guard import Guard
from sparq_core.view.opened import Opened

CHUNK = 500
"""Problems that are indexed between two looks for a request."""
PAUSE = 1.0
"""Seconds between two looks for new problems, once all are indexed."""
STATIC = {"view.css": "text/css", "view.js": "text/javascript", "icon.svg": "image/svg+xml"}


def make(folders: Sequence[Path], token: str, ready: Callable[[], None] = lambda: None) -> Starlette:
    """The app for one run folder, or for two that are compared; it opens them when it starts, and calls `ready` then."""

    @asynccontextmanager
    async def opened(app: Starlette) -> AsyncIterator[None]:
        with ExitStack() as stack:
            letters = zip(folders, ascii_uppercase, strict=False)
            app.state.runs = [
                stack.enter_context(closing(Opened(folder, letter, len(folders)))) for folder, letter in letters
            ]
            following = asyncio.create_task(_follow(app.state.runs))
            ready()
            yield
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    return Starlette(
        routes=[
            Route("/", overview),
            Route("/pulse", pulse),
            Route("/{letter}/problems", problems),
            Route("/{letter}/problem/{id}", problem),
            Route("/{letter}/random", random),
            Route("/static/{name}", static),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={HTTPException: refused, sqlite3.Error: unreadable},
        lifespan=opened,
    )


async def _follow(runs: Sequence[Opened]) -> None:
    """Index what there is and what comes, a little at a time; a ledger that is busy is asked again."""
    while True:
        came = 0
        for run in runs:
            with suppress(sqlite3.OperationalError):
                came += run.index.follow(CHUNK)
        await asyncio.sleep(0 if came else PAUSE)


def _run(request: Request) -> Opened:
    runs: list[Opened] = request.app.state.runs
    for run in runs:
        if run.letter == request.path_params["letter"]:
            return run
    raise HTTPException(404, "There is no such run here.")


async def overview(request: Request) -> Response:
    return HTMLResponse(pages.overview(request.app.state.runs))


async def pulse(request: Request) -> Response:
    return PlainTextResponse(pages.pulse(request.app.state.runs))


async def problems(request: Request) -> Response:
    run = _run(request)
    return HTMLResponse(pages.problems(request.app.state.runs, run, asked(request.query_params, run.index)))


async def problem(request: Request) -> Response:
    run, id_ = _run(request), request.path_params["id"]
    return HTMLResponse(pages.problem(request.app.state.runs, run, id_, asked(request.query_params, run.index)))


async def random(request: Request) -> Response:
    run = _run(request)
    question = asked(request.query_params, run.index)
    key = browse.anyone(run.index, question.wanted, SystemRandom())
    if key is None:
        raise HTTPException(404, "There is no such problem, or none was found in time.")
    return RedirectResponse(f"/{run.letter}/problem/{browse.id_of(run.ledger, key)}{question.address()}", 303)


async def static(request: Request) -> Response:
    name = request.path_params["name"]
    if name == "report.css":
        return Response(style_sheet(), media_type="text/css")
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    text = files("sparq_core.view").joinpath("static", name).read_text(encoding="utf-8")
    return Response(text, media_type=STATIC[name])


async def refused(request: Request, error: Exception) -> Response:
    status, why = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    title = "Not found" if status == 404 else "Not understood"
    return HTMLResponse(pages.failed(request.app.state.runs, title, why), status)


async def unreadable(request: Request, error: Exception) -> Response:
    why = (
        f"The ledger cannot be read just now: {error}. Reload the page; `sparq doctor RUN` shows whether it is damaged."
    )
    return HTMLResponse(pages.failed(request.app.state.runs, "Not readable", why), 503)
