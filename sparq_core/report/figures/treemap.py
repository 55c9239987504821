"""The archive as a map: a field for each niche, as large as it has problems and as strongly coloured as its best is good."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from markupsafe import Markup

from sparq_core.report.figures.canvas import WIDTH, picture
from sparq_core.report.markup import shown, tag

HEIGHT = 300
SHADES = 5
"""Steps of quality that are told apart."""
LETTER, LINE, FEWEST = 5.8, 14, 5
"""Width of a letter of a field's name, on average, height of a line, and letters that are worth a line."""


class Field(NamedTuple):
    """A niche, or the rest of them."""

    labels: tuple[str, ...]
    problems: int
    best: float | None
    """Quality of its best problem; None of the rest."""

    @property
    def name(self) -> str:
        return " + ".join(self.labels)


class _Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def treemap(title: str, fields: Sequence[Field], qualities: tuple[float, float]) -> Markup:
    """The fields in a frame, the largest first, each as near to a square as that allows; colours span these qualities."""
    boxes = _squarified(fields, _Box(0, 0, WIDTH, HEIGHT))
    parts = [_drawn(field, box, shade(field.best, *qualities)) for field, box in zip(fields, boxes, strict=True)]
    best = "; ".join(f"{field.name}: {field.problems:,}" for field in fields[:5])
    return picture(title, f"The largest: {best}. The table below has more of them.", parts, HEIGHT, "map")


def shade(best: float | None, low: float, high: float) -> int:
    """Which shade a quality has, from 1; 0 is the rest."""
    if best is None:
        return 0
    return SHADES if low == high else 1 + min(SHADES - 1, int((best - low) / (high - low) * SHADES))


def _drawn(field: Field, box: _Box, shade: int) -> Markup:
    problems = f"{field.problems:,} problem{'s' * (field.problems != 1)}"
    said = f"{field.name}: {problems}" + (f", best quality {field.best:.2f}" if field.best else "")
    gap = min(1.0, box.width / 4, box.height / 4)
    place = {"x": box.x + gap, "y": box.y + gap, "width": box.width - 2 * gap, "height": box.height - 2 * gap}
    parts: list[object] = [tag("title", {}, said), tag("rect", {**place, "rx": 2})]
    letters, lines = int((box.width - 12) / LETTER), int((box.height - 8) / LINE)
    if letters >= FEWEST and lines >= 2:
        names = [_cut(shown(label), letters) for label in field.labels][: lines - 1]
        written = [tag("text", {"x": 6, "y": LINE * (i + 1)}, name) for i, name in enumerate(names)]
        count = tag("text", {"class": "count", "x": 6, "y": LINE * (len(names) + 1)}, f"{field.problems:,}")
        parts.append(tag("svg", place, *written, count))
    return tag("g", {"class": f"q{shade}"}, *parts)


def _cut(name: str, most: int) -> str:
    line = " ".join(name.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _squarified(fields: Sequence[Field], frame: _Box) -> Iterator[_Box]:
    """A box for each field, in their order (Bruls, Huizing and van Wijk 2000)."""
    left, rest = list(fields), frame
    while left:
        area = rest.width * rest.height / sum(field.problems for field in left)
        row = _row([field.problems * area for field in left], min(rest.width, rest.height))
        yield from _laid(row, rest)
        rest = _beside(sum(row), rest)
        left = left[len(row) :]


def _row(areas: Sequence[float], side: float) -> list[float]:
    """As many areas as may lie along a side before the flattest of them gets flatter."""
    row = [areas[0]]
    for area in areas[1:]:
        if _flattest([*row, area], side) > _flattest(row, side):
            break
        row.append(area)
    return row


def _flattest(row: Sequence[float], side: float) -> float:
    total = sum(row)
    return max(side * side * max(row) / total**2, total**2 / (side * side * min(row)))


def _laid(row: Sequence[float], rest: _Box) -> Iterator[_Box]:
    upright = rest.width >= rest.height
    thick, at = sum(row) / min(rest.width, rest.height), 0.0
    for area in row:
        long = area / thick
        yield _Box(rest.x, rest.y + at, thick, long) if upright else _Box(rest.x + at, rest.y, long, thick)
        at += long


def _beside(area: float, rest: _Box) -> _Box:
    if rest.width >= rest.height:
        thick = area / rest.height
        return _Box(rest.x + thick, rest.y, max(1e-9, rest.width - thick), rest.height)
    thick = area / rest.width
    return _Box(rest.x, rest.y + thick, rest.width, max(1e-9, rest.height - thick))
