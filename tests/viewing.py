"""The viewer as a browser that has the token meets it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report_pages import Element, parsed
from starlette.testclient import TestClient

from sparq_core.view import app

TOKEN = "token"  # noqa: S105 -- of a test
LOCAL = "http://127.0.0.1:8765"


@contextmanager
def viewing(*runs: Path) -> Iterator[TestClient]:
    """A browser at the viewer of these runs, whose problems are all indexed."""
    with TestClient(app.make(runs, TOKEN), base_url=LOCAL) as client:
        assert client.get("/", params={"token": TOKEN}).status_code == 200
        while not all(run.index.complete for run in client.app.state.runs):  # type: ignore[attr-defined]  # a Starlette
            time.sleep(0.01)
        yield client


def page(client: TestClient, address: str, code: int = 200) -> Element:
    """A page of the viewer, all of whose elements are closed."""
    answer = client.get(address)
    assert answer.status_code == code, answer.text
    return parsed(answer.text)


def main(client: TestClient, address: str, code: int = 200) -> Element:
    """What a page has below its links to others."""
    (found,) = page(client, address, code).every("main")
    return found


def found(element: Element) -> list[str]:
    """The ids of the problems that a page lists."""
    return [one.text for row in element.every("li") for one in row.every("b") if one.text.count(".") == 2]


def link(element: Element, rel: str) -> str | None:
    """Where the first link of a kind leads."""
    return next((a.attributes["href"] for a in element.every("a") if a.attributes.get("rel") == rel), None)
