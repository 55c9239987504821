"""The documentation as a site: it builds without a warning, can be searched, and loads nothing from anywhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r'<(?:script|img|iframe|source)[^>]*\bsrc="([^"]+)|<link[^>]*\brel="(?:stylesheet|icon|preload)"[^>]*\bhref="([^"]+)'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--config-file",
        str(ROOT / "mkdocs.yml"),
    ]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={"NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_can_be_searched(site: Path) -> None:
    found = {
        entry["location"].partition("#")[0]
        for entry in json.loads((site / "search" / "search_index.json").read_text())["docs"]
    }
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert {f"{page}/" for page in pages - {"index"}} <= found


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = [one or other for one, other in LOADED.findall(page.read_text())]
        assert not [address for address in loaded if "//" in address], page


def test_links_out_of_the_documentation_lead_into_the_site(site: Path) -> None:
    assert (site / "repository" / "benchmarks" / "paper" / "index.html").is_file()
    assert (site / "repository" / "examples" / "quickstart.yaml").is_file()
