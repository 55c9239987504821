"""The viewer in headless Chromium: quiet, of one server, not too wide, accessible, following its run."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browsers import CHROMIUM, KINDS

from sparq_core.ledger import browse
from sparq_core.testing import Ran, run_pipeline
from sparq_core.view import app, server

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
TOKEN = "token"  # noqa: S105 -- of a test
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium; `make browser` installs it"),
    pytest.mark.timeout(300),
]


@contextmanager
def served(*runs: Path) -> Iterator[str]:
    """Where the viewer of these runs is."""
    with server.listening(0) as at:
        config = uvicorn.Config(app.make(runs, TOKEN), log_level="error", access_log=False, timeout_graceful_shutdown=1)
        serving = uvicorn.Server(config)
        thread = threading.Thread(target=serving.run, args=([at],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{at.getsockname()[1]}"
        finally:
            serving.should_exit = True
            thread.join()


@contextmanager
def tab(browser: Any, at: str, **how: Any) -> Iterator[Any]:
    """A page of a browser that was given the token; what it tells on its console, or asks of others, fails the test."""
    context = browser.new_context(**how)
    tab, said, elsewhere = context.new_page(), list[str](), list[str]()
    tab.on("console", lambda message: said.append(message.text) if "/9.9.9" not in tab.url else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda sent: elsewhere.append(sent.url) if not sent.url.startswith(at + "/") else None)
    tab.goto(f"{at}/?token={TOKEN}")
    assert tab.url == at + "/"
    yield tab
    assert (said, elsewhere) == ([], [])
    context.close()


PAGES = {
    "overview": "/",
    "problems": "/A/problems?order=oldest",
    "problem": "/A/problem/1.1.2?outcome=kept",
    "nothing": "/A/problem/9.9.9",
}
SHOWN = [("finished", kind) for kind in KINDS] + [("hostile", "phone"), ("of_texts", "phone"), ("beside", "desktop")]


@pytest.mark.parametrize(("what", "kind"), SHOWN)
def test_it_is_quiet_fits_and_is_accessible(
    browser: Any, what: str, kind: str, request: pytest.FixtureRequest, run_folder: Path, tmp_path: Path
) -> None:
    runs = {"finished": [run_folder], "beside": [run_folder, run_folder]}
    folders = runs.get(what) or [request.getfixturevalue(what).folder]
    kept = Path(os.environ.get("SPARQ_SCREENSHOTS", tmp_path))
    with served(*folders) as at, tab(browser, at, **KINDS[kind]) as page:
        for place, address in PAGES.items():
            page.goto(at + address)
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), place
            shot = kept / f"view-{what}-{place}-{kind}.png"
            page.screenshot(path=shot, full_page=True)
            assert shot.stat().st_size > 5_000
            page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
            found = axe.Axe().run(page)
            assert found.violations_count == 0, f"{place}: {found.generate_report()}"


def test_a_problem_is_found_by_the_form_and_read(browser: Any, run_folder: Path) -> None:
    with served(run_folder) as at, tab(browser, at) as page:
        page.get_by_role("link", name="Problems", exact=True).click()
        page.get_by_label("statement contains").fill("is 2")
        page.get_by_label("outcome").select_option("kept")
        page.get_by_label("order").select_option("hardest")
        page.get_by_role("button", name="Show").click()
        page.locator(".found a").first.click()
        first = page.locator("h1").inner_text()
        page.locator(".attempts summary").first.click()
        assert page.locator(".attempts .text").first.is_visible()
        page.get_by_role("link", name="Next →").click()
        assert page.locator("h1").inner_text() != first
        page.get_by_role("link", name="Back to the list").click()
        assert page.get_by_label("statement contains").input_value() == "is 2"


def test_the_overview_follows_its_run(browser: Any, sums: Callable[..., Any], tmp_path: Path) -> None:
    ran: Ran = run_pipeline(sums(steps=2), tmp_path)
    with served(ran.folder) as at, tab(browser, at) as page:
        assert "step 2 of 2" in page.locator("main").inner_text()
        page.locator("summary").first.click()
        page.locator("summary").first.blur()
        run_pipeline(sums(steps=5), tmp_path, resume=True)
        page.get_by_text(re.compile("step 5 of 5")).wait_for(timeout=60_000)
        assert page.evaluate("document.querySelector('details').open")


def test_a_search_that_has_found_nothing_goes_on_by_itself(
    browser: Any, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "WINDOW_OF_TEXTS", 10)
    monkeypatch.setattr(browse.find, "__kwdefaults__", {"back": False, "budget": -1})
    with served(run_folder) as at, tab(browser, at) as page:
        page.goto(at + "/A/problems?text=What+is+5+%2B+8")
        page.locator(".found a").first.wait_for(timeout=60_000)
        assert page.locator(".found b").first.inner_text() == "0.1.0"
