"""Reports in headless Chromium: no message on the console, nothing asked of the network, nothing too wide, axe content."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browsers import CHROMIUM, KINDS
from report_pages import written

from sparq_core.testing import Ran, run_pipeline

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium; `make browser` installs it"),
    pytest.mark.timeout(300),
]


@pytest.fixture(params=["finished", "of_texts", "empty", "hostile", "beside"])
def page(request: pytest.FixtureRequest, run_folder: Path, sums: Callable[..., Any], tmp_path: Path) -> Path:
    runs: dict[str, Callable[[], list[Path]]] = {
        "finished": lambda: [run_folder],
        "of_texts": lambda: [request.getfixturevalue("of_texts").folder],
        "empty": lambda: [request.getfixturevalue("empty").folder],
        "hostile": lambda: [request.getfixturevalue("hostile").folder],
        "beside": lambda: [run_folder, _other(sums, tmp_path).folder],
    }
    path = tmp_path / f"{request.param}.html"
    written(path, *runs[request.param]())
    return path


def _other(sums: Callable[..., Any], folder: Path) -> Ran:
    return run_pipeline(sums(rounds=2, steps=4), folder / "other")


def test_it_is_quiet_fits_and_is_accessible(browser: Any, page: Path, tmp_path: Path) -> None:
    kept = Path(os.environ.get("SPARQ_SCREENSHOTS", tmp_path))
    for kind, how in KINDS.items():
        context = browser.new_context(**how)
        tab, said, asked = context.new_page(), list[str](), list[str]()
        tab.on("console", lambda message, said=said: said.append(message.text))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        tab.on("request", lambda sent, asked=asked: asked.append(sent.url))
        tab.goto(page.as_uri())
        assert said == []
        assert asked == [page.as_uri()]
        assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), kind
        shot = kept / f"{page.stem}-{kind}.png"
        tab.screenshot(path=shot, full_page=True)
        assert shot.stat().st_size > 10_000
        tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, f"{kind}: {found.generate_report()}"
        context.close()


def test_it_can_be_printed(browser: Any, page: Path, tmp_path: Path) -> None:
    tab = browser.new_page()
    tab.goto(page.as_uri())
    printed = tab.pdf(path=tmp_path / "page.pdf", format="A4")
    assert printed.startswith(b"%PDF")
    tab.close()
