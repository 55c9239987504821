"""A drawing with its frame: where it is on the page, its axes, and what it says to those who do not see it."""

from collections.abc import Callable, Iterable, Sequence
from math import floor, log10

from markupsafe import Markup

from sparq_core.report.markup import tag

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 34
"""Margins, wide enough for the larger letters of a phone."""


def picture(title: str, told: str, children: Iterable[object], height: int = HEIGHT, kind: str = "") -> Markup:
    """A figure: its title, and in words what it shows."""
    frame = {"viewBox": f"0 0 {WIDTH} {height}", "role": "img", "class": f"figure {kind}".strip()}
    return tag("svg", frame, tag("title", {}, title), tag("desc", {}, told), *children)


def x_at(share: float) -> float:
    """Where a share of the way from left to right is."""
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def y_at(share: float, height: int = HEIGHT) -> float:
    """Where a share of the way from the bottom to the top is."""
    return height - BOTTOM - share * (height - TOP - BOTTOM)


def ticks(top: float, most: int = 4) -> list[float]:
    """Round numbers from 0 up to at least `top`."""
    rough = top / most if top > 0 else 1.0
    size = 10.0 ** floor(log10(rough))
    step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough * (1 - 1e-9))
    count = -(-top // step) if top > 0 else 1
    return [step * i for i in range(int(count) + 1)]


def y_axis(marks: Sequence[float], say: Callable[[float], str]) -> Iterable[Markup]:
    """Lines across the drawing, each with its number; the last is at its top."""
    for mark in marks:
        y = y_at(mark / marks[-1])
        yield tag("line", {"class": "grid", "x1": LEFT, "x2": WIDTH - RIGHT, "y1": y, "y2": y})
        yield tag("text", {"x": LEFT - 8, "y": y + 4, "text-anchor": "end"}, say(mark))


def x_label(share: float, text: str) -> Markup:
    """A number below the drawing; those of its ends stay between them."""
    anchor = {} if share <= 0 else {"text-anchor": "end" if share >= 1 else "middle"}
    return tag("text", {"x": x_at(share), "y": HEIGHT - BOTTOM + 20, **anchor}, text)
