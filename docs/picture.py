"""
Take a picture of a report: `python docs/picture.py runs/quickstart/report.html docs/pictures/report.png`, as the README has it.

Needs Chromium (`make browser`). The test suite takes the same picture of a shorter quickstart.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SIZE = {"width": 1200, "height": 1740}


def take(report: Path, picture: Path) -> None:
    """Write a PNG of the report's first screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(report.resolve().as_uri())
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
