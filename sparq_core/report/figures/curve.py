"""A number over the steps of a run."""

from collections.abc import Callable, Iterable, Sequence

from markupsafe import Markup

from sparq_core.report.figures.canvas import HEIGHT, TOP, picture, ticks, x_at, x_label, y_at, y_axis
from sparq_core.report.markup import tag

Points = Sequence[tuple[int, float]]
"""Steps done, and the number then."""
Say = Callable[[float], str]


def curve(title: str, points: Points, top: float, say: Say, rounds: Sequence[int] = ()) -> Markup:
    """A line over steps from 0 up to `top`, with a mark where a further round begins."""
    marks = ticks(top)
    first, last = points[0][0], points[-1][0]
    drawn = [(x_at((x - first) / max(1, last - first)), y_at(y / marks[-1])) for x, y in points]
    parts: list[object] = [*y_axis(marks, say)]
    parts += [_begin(x_at((x - first) / max(1, last - first))) for x in rounds if first < x < last]
    parts.append(
        tag("path", {"class": "line", "d": Markup("M") + Markup("L").join(f"{x:.1f} {y:.1f}" for x, y in drawn)})
    )
    parts.append(tag("circle", {"class": "end", "cx": drawn[-1][0], "cy": drawn[-1][1], "r": 3.5}))
    parts.append(x_label(0, f"{first:,}"))
    parts.append(x_label(1, f"step {last:,}"))
    return picture(title, " ".join(_told(points, say)), parts)


def _begin(x: float) -> Markup:
    return tag("line", {"class": "round", "x1": x, "x2": x, "y1": TOP, "y2": y_at(0, HEIGHT)})


def _told(points: Points, say: Say) -> Iterable[str]:
    (first, start), (last, end) = points[0], points[-1]
    yield f"{say(start)} at step {first:,}, {say(end)} at step {last:,};"
    low, high = min(points, key=lambda at: at[1]), max(points, key=lambda at: at[1])
    yield f"lowest {say(low[1])} at step {low[0]:,}, highest {say(high[1])} at step {high[0]:,}."
