"""Numbers as a page has them."""

from sparq_core.ledger.intervals import Interval


def count(number: float) -> str:
    """A whole number with its thousands set apart."""
    return f"{number:,.0f}"


def compact(number: float) -> str:
    """A number for an axis: 12,300 is 12.3k."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            return f"{number / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{number:,.4g}"


def percent(share: float, sign: str = "") -> str:
    """A share in percent, with the digits that tell."""
    return f"{100 * share:{sign}.1f}%"


def mark(share: float) -> str:
    """A share for an axis."""
    return f"{100 * share:.3g}%"


def interval(found: Interval, sign: str = "") -> str:
    """A mean in percent and its interval."""
    mean, low, high = (points(value, sign) for value in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})"


def points(value: float, sign: str = "+") -> str:
    """A difference of shares in points, or a share in percent."""
    return f"{round(100 * value, 1) + 0:{sign}.1f}".replace("-", "−")


def duration(seconds: float) -> str:
    """A time in the unit that people would say it in."""
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    if seconds < 0.5:
        return "less than a second"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
