"""A report is one file that loads nothing, runs nothing, says the same twice, and can be read by everyone."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hostile_texts import TEXTS, acting
from report_pages import Element, parsed, written
from runs import Interrupter, sparq_command

from sparq_core.loop import session
from sparq_core.pipeline import prepare
from sparq_core.report.figures.treemap import Field, treemap
from sparq_core.testing import Ran, run_pipeline

MEGABYTE = 10**6
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "a",
        "header",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "bdi",
        "span",
        "details",
    ),
    *(
        "summary",
        "div",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "nav",
        "ul",
        "ol",
        "li",
        "main",
        "section",
        "figure",
    ),
    *(
        "figcaption",
        "svg",
        "desc",
        "rect",
        "line",
        "path",
        "circle",
        "text",
        "g",
        "b",
        "em",
        "dl",
        "dt",
        "dd",
        "article",
        "code",
        "footer",
        "wbr",
    ),
}


@pytest.fixture
def page(run_folder: Path, tmp_path: Path) -> str:
    return written(tmp_path / "report.html", run_folder)


def test_the_same_ledger_gives_the_same_bytes_wherever_it_is(page: str, run_folder: Path, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(run_folder, tmp_path / "elsewhere" / "run"))
    assert written(tmp_path / "again.html", elsewhere) == page
    sparq_command("report", str(elsewhere))
    assert (elsewhere / "report.html").read_text() == page


def harmless(text: str) -> Element:
    """The page, once it is known to be small, to load nothing, to run nothing, and to keep to its elements."""
    assert len(text.encode()) < MEGABYTE
    assert not acting(text)
    page = parsed(text)
    assert {one.name for one in page.every()} <= ALLOWED
    for one in page.every():
        names = set(one.attributes)
        assert not {
            n for n in names if n.startswith("on") or n in {"style", "src", "srcset", "data", "action", "xlink:href"}
        }
        assert one.attributes.get("href", "#").startswith("#")
    (style,) = page.every("style")
    assert not re.search(r"url\(|@import|@font-face", style.text)
    (policy,) = (one.attributes["content"] for one in page.every("meta") if "http-equiv" in one.attributes)
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return page


def test_it_loads_nothing_and_runs_nothing(page: str) -> None:
    harmless(page)


def test_hostile_texts_stand_there_and_do_nothing(hostile: Ran, tmp_path: Path) -> None:
    text = written(tmp_path / "hostile.html", hostile.folder)
    page = harmless(text)
    assert "<script>alert(1)</script>" in page.text
    assert "\\u202e" in page.text
    assert "characters omitted]" in page.text
    assert page.section("problems").every("article")
    assert TEXTS["bidi"] not in text


def test_several_runs_of_hostile_texts_still_fit(hostile: Ran, tmp_path: Path) -> None:
    harmless(written(tmp_path / "hostile.html", *[hostile.folder] * 8))
    told = sparq_command("report", *[str(hostile.folder)] * 9, "--to", str(tmp_path / "nine.html"), code=2)
    assert "at most 8" in told


def test_an_empty_run_has_a_page_that_says_so(empty: Ran, tmp_path: Path) -> None:
    page = harmless(written(tmp_path / "empty.html", empty.folder))
    assert "Nothing was proposed yet" in page.section("outcome").words
    assert "no step is committed yet" in page.every("header")[0].words
    assert not page.every("article")


def test_a_run_at_work_is_shown_as_far_as_it_is(sums: Callable[..., Any], tmp_path: Path) -> None:
    """The page is made from an observer, while the run holds its lock and goes on."""
    pages: list[str] = []
    run_pipeline(sums(steps=1), tmp_path / "first")
    (tmp_path / "pipeline.yaml").write_text(
        (tmp_path / "first" / "pipeline.yaml").read_text().replace("steps: 1", "steps: 6")
    )
    interrupter = Interrupter(after=4)

    def look(event: Any) -> None:
        interrupter(event)
        if interrupter.asked() and not pages:
            pages.append(written(tmp_path / "live.html", tmp_path / "run"))

    session.execute(prepare.load(tmp_path / "pipeline.yaml"), tmp_path / "run", False, [look], lambda: False, False)
    assert "step 3 of 6" in harmless(pages[0]).every("header")[0].words
    assert "step 6 of 6" in parsed(written(tmp_path / "live.html", tmp_path / "run")).every("header")[0].words


def test_only_an_earlier_report_is_replaced(run_folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("<!doctype html>\n<p>mine</p>")
    told = sparq_command("report", str(run_folder), "--to", str(mine), code=2)
    assert "is not an earlier output of this command; choose another --to" in told
    assert mine.read_text() == "<!doctype html>\n<p>mine</p>"
    for _ in range(2):
        sparq_command("report", str(run_folder), "--to", str(tmp_path / "report.html"))
    database = run_folder / "sparq.db"
    assert "belongs to a run" in sparq_command("report", str(run_folder), "--to", str(database), code=2)
    assert sparq_command("report", str(run_folder), "--to", "/dev/stdout").startswith("<!doctype html>")


# -- for everyone ------------------------------------------------------------------------------------------------------


def test_landmarks_and_headings_are_in_order(page: str) -> None:
    root = parsed(page)
    assert [len(root.every(name)) for name in ("header", "nav", "main", "footer", "h1")] == [1, 1, 1, 1, 1]
    levels = [int(one.name[1]) for one in root.every("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [one.attributes["id"] for one in root.every() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    targets = {one.attributes["href"][1:] for one in root.every("a")}
    targets |= {one.attributes["aria-labelledby"] for one in root.every() if "aria-labelledby" in one.attributes}
    assert targets <= set(ids)


def test_every_figure_says_in_words_what_it_shows(page: str) -> None:
    figures = [one for one in parsed(page).every("svg") if one.attributes.get("role") == "img"]
    assert len(figures) >= 6
    for figure in figures:
        assert [part.name for part in figure.inside if isinstance(part, Element)][:2] == ["title", "desc"]
        assert figure.every("title")[0].words
        assert len(figure.every("desc")[0].words) > 20
    others = [one for one in parsed(page).every("svg") if one.attributes.get("class") == "bar"]
    assert all(one.attributes["aria-hidden"] == "true" for one in others)


def test_every_table_has_headers(page: str) -> None:
    tables = parsed(page).every("table")
    assert len(tables) >= 5
    for table in tables:
        assert all(one.attributes["scope"] in {"col", "row"} for one in table.every("th"))
        assert table.every("thead")
        assert {len(row.every("td", "th")) for row in table.every("tr")} == {
            len(table.every("tr")[0].every("td", "th"))
        }


def palettes(page: str) -> Iterator[dict[str, str]]:
    (style,) = parsed(page).every("style")
    found: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\}", style.text, re.DOTALL):
        found = {**found, **dict(re.findall(r"--([\w-]+): (#\w{6})", block))}
        yield found


def luminance(colour: str) -> float:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_letters_stand_out_from_what_they_stand_on_in_light_dark_and_print(page: str) -> None:
    assert contrast("#000000", "#ffffff") == 21
    three = list(palettes(page))
    assert len(three) == 3
    for colours in three:
        on_paper = [contrast(colours[name], colours["paper"]) for name in ("ink", "soft", "accent", "alarm")]
        on_panel = [contrast(colours[name], colours["panel"]) for name in ("ink",)]
        on_fields = [contrast(colours["on-light"], colours[f"q{i}"]) for i in range(4)]
        on_fields += [contrast(colours["on-dark"], colours[f"q{i}"]) for i in (4, 5)]
        assert min(*on_paper, *on_panel, *on_fields) >= 4.5, json.dumps(colours)


def test_a_map_has_room_for_any_fields() -> None:
    fields = [Field((f"label {i}", "<b>"), n, i / 50) for i, n in enumerate([10**6, 5000, 40, *[1] * 30])]
    drawn = parsed(str(treemap("map", fields, (0.0, 1.0))))
    boxes = [group.every("rect")[0].attributes for group in drawn.every("g")]
    assert len(boxes) == len(fields)
    largest = boxes[0]
    assert float(largest["width"]) * float(largest["height"]) > 0.9 * 460 * 300
    for box in boxes:
        assert 0 <= float(box["x"]) <= 460
        assert float(box["x"]) + float(box["width"]) <= 461
        assert float(box["y"]) + float(box["height"]) <= 301
