"""Bars and intervals that stand in the cells of tables, whose numbers say the same in words."""

from markupsafe import Markup

from sparq_core.ledger.intervals import Interval
from sparq_core.report.markup import tag

LONG, HIGH = 100, 10


def bar(share: float, kind: str = "kept") -> Markup:
    """A bar of a share of the cell's width."""
    width = LONG * max(0.0, min(1.0, share))
    filled = tag("rect", {"class": kind, "width": max(width, 0.6 if share > 0 else 0.0), "height": HIGH, "rx": 1})
    return _cell(filled)


def interval(found: Interval, low: float = 0.0, high: float = 1.0) -> Markup:
    """A mean with its interval between two ends of a scale; one that holds 0 on both sides has a mark there."""
    start, at, end = (LONG * max(0.0, min(1.0, (v - low) / (high - low))) for v in (found.low, found.mean, found.high))
    zero = LONG * -low / (high - low)
    parts = [tag("rect", {"class": "track", "y": HIGH / 2 - 0.4, "width": LONG, "height": 0.8})]
    parts += [tag("line", {"class": "round", "x1": zero, "x2": zero, "y1": 0, "y2": HIGH})] if low < 0 < high else []
    parts.append(
        tag("rect", {"class": "reach", "x": start, "y": 3, "width": max(0.6, end - start), "height": HIGH - 6})
    )
    parts.append(tag("rect", {"class": "kept", "x": max(0.0, min(LONG - 1.6, at - 0.8)), "width": 1.6, "height": HIGH}))
    return _cell(*parts)


def _cell(*parts: Markup) -> Markup:
    frame = {"viewBox": f"0 0 {LONG} {HIGH}", "preserveAspectRatio": "none", "class": "bar", "aria-hidden": "true"}
    return tag("svg", frame, *parts)
