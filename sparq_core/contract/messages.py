"""How long what an error says may be: names and values of any length stand in it, and come from anywhere."""

from sparq_core.contract.texts import inert, shortened

LONGEST_LINE, MOST_LINES = 1000, 40


def shown(value: object, most: int = LONGEST_LINE // 4) -> str:
    """A name or a value as a message shows it: on one line, inert, of a long one the ends."""
    return inert(shortened(str(value), most))


def raised(error: BaseException) -> str:
    """What an exception is and says, even one that cannot say it."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception as other:  # noqa: BLE001 -- an exception class of a plugin's own
        return f"{type(error).__name__}, whose text raises {type(other).__name__}"


def message(text: str) -> str:
    """A message of any length as it is told: inert, of its long lines the ends, of many lines the first and the last."""
    lines = inert(shortened(text, LONGEST_LINE * MOST_LINES), block=True).split("\n")
    if len(lines) > MOST_LINES:
        half = MOST_LINES // 2
        lines = [*lines[:half], f"… [{len(lines) - MOST_LINES:,} lines omitted] …", *lines[-half:]]
    return "\n".join(shortened(line, LONGEST_LINE) for line in lines)
