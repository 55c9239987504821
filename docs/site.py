"""
A hook of MkDocs: pages may link to files of the repository outside of `docs/`, which then come along.

On the site they are below `repository/`, in their places; links of theirs are followed as well.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files, InclusionLevel

ROOT = Path(__file__).parent.parent.resolve()
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add what is linked to."""
    for file in sorted(_closure(DOCS.rglob("*.md"))):
        uri = _uri(file)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(file), inclusion=InclusionLevel.NOT_IN_NAV))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to where their files are on the site."""
    here = Path(page.file.abs_src_path)
    up = "../" * page.file.src_uri.count("/")

    def moved(link: re.Match[str]) -> str:
        target = (here.parent / link[1]).resolve()
        return up + _uri(target) if target.is_file() else link[1]

    return LINK.sub(moved, markdown)


def _uri(file: Path) -> str:
    return (
        file.relative_to(DOCS).as_posix()
        if file.is_relative_to(DOCS)
        else f"repository/{file.relative_to(ROOT).as_posix()}"
    )


def _closure(pages: Iterator[Path]) -> set[Path]:
    """All files that pages link to, and the pages among them in turn, without those in `docs/`."""
    found, to_read = set[Path](), list(pages)
    while to_read:
        page = to_read.pop()
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if target.is_file() and target not in found and not target.is_relative_to(DOCS):
                found.add(target)
                to_read += [target] if target.suffix == ".md" else []
    return found
