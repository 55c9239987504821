"""A page as its readers meet it: what is in it, element by element."""

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from sparq_core.cli import cli

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}


class Element(NamedTuple):
    """An element with all the text in it, also that of the elements inside."""

    name: str
    attributes: dict[str, str]
    inside: list["Element | str"]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def every(self, *names: str) -> list["Element"]:
        """All elements inside of these names, or all there are, in order."""
        found: list[Element] = []
        for part in self.inside:
            if isinstance(part, Element):
                found += [part] * (not names or part.name in names) + part.every(*names)
        return found

    def section(self, id_: str) -> "Element":
        return next(one for one in self.every("section") if one.attributes["id"] == id_)

    def rows(self) -> list[list[str]]:
        """The cells of all rows of its tables."""
        return [[cell.words for cell in row.every("td", "th")] for row in self.every("tr")]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {}, [])
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, [])
        self._open[-1].inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def parsed(text: str) -> Element:
    """A page's elements; AssertionError where one is not closed, or another is in its stead."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    assert parser._open == [parser.root]
    return parser.root


def written(to: Path, *runs: Path) -> str:
    """The page that the command writes of these runs."""
    done = CliRunner().invoke(cli, ["report", *map(str, runs), "--to", str(to)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return to.read_text(encoding="utf-8")
