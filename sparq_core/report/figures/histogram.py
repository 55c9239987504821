"""How many problems have which solve rate, and which of them were kept."""

from collections.abc import Sequence

from markupsafe import Markup

from sparq_core.ledger.spread import Solved
from sparq_core.report.figures.canvas import HEIGHT, TOP, picture, ticks, x_at, x_label, y_at, y_axis
from sparq_core.report.markup import tag

GAP = 0.12
"""Share of a bar's place that is left free."""


def histogram(found: Sequence[Solved], places: int, top: int) -> Markup:
    """A bar for each place of the scale: kept ones below in the accent, others above; the band behind them."""
    kept, others = ([_count(found, i, is_kept) for i in range(places + 1)] for is_kept in (True, False))
    marks = ticks(top)
    band = [i for i, n in enumerate(kept) if n]
    parts: list[object] = [_band(band[0], band[-1], places)] if band else []
    parts += y_axis(marks, lambda mark: f"{mark:,.0f}")
    for i, (below, above) in enumerate(zip(kept, others, strict=True)):
        parts.append(_bar(i, places, 0, below / marks[-1], "kept"))
        parts.append(_bar(i, places, below / marks[-1], (below + above) / marks[-1], "other"))
    every = max(1, round((places + 1) / 9))
    parts += [x_label(_middle(i, places), f"{i}") for i in range(0, places + 1, every)]
    return picture("Problems by solve rate", _told(kept, others), parts)


def _count(found: Sequence[Solved], place: int, kept: bool) -> int:
    return sum(one.children for one in found if one.place == place and (one.outcome == "kept") == kept)


def _middle(i: int, places: int) -> float:
    return (i + 0.5) / (places + 1)


def _bar(i: int, places: int, low: float, high: float, kind: str) -> Markup:
    if high <= low:
        return Markup("")
    left, right = (x_at((i + edge) / (places + 1)) for edge in (GAP, 1 - GAP))
    box = {"x": left, "y": y_at(high), "width": right - left, "height": y_at(low) - y_at(high)}
    return tag("rect", {"class": kind, **box})


def _band(first: int, last: int, places: int) -> Markup:
    left, right = x_at(first / (places + 1)), x_at((last + 1) / (places + 1))
    box = {"x": left, "y": TOP, "width": right - left, "height": y_at(0, HEIGHT) - TOP}
    return tag("rect", {"class": "band", **box})


def _told(kept: Sequence[int], others: Sequence[int]) -> str:
    told = (f"{i} of {len(kept) - 1}: {k:,} kept, {o:,} not" for i, (k, o) in enumerate(zip(kept, others, strict=True)))
    return "; ".join(told) + "."
