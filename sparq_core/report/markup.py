"""
What figures and pages are written with, and the one door through which others' words get into them.

`shown` makes a text inert: its control and direction characters are spelt out, a long one is shortened. What is no `Markup` is
escaped besides, in `tag` and by the templates alike.
"""

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from sparq_core.contract.texts import inert, shortened

LONGEST = 1_000
"""Characters of any text of others that are shown."""
_PARTS = re.compile(r"(?<=[._,:/])(?!$)")


def shown(value: Any, most: int = LONGEST) -> Any:
    """A value as it is put into a page: a text that is not our markup can do nothing but stand there."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return shortened(inert(value, block=True), most)


def breakable(text: str, most: int = LONGEST) -> Markup:
    """A text whose lines may end after its points, commas and the like, so that they need not end within a name."""
    return Markup("<wbr>").join(_PARTS.split(shown(text, most)))


def tag(name: str, attributes: Mapping[str, object] | None = None, *children: object) -> Markup:
    """An element; numbers have at most two digits after the point."""
    said = Markup("").join(Markup(' {}="{}"').format(key, _number(value)) for key, value in (attributes or {}).items())
    inside = Markup("").join(escape(_number(shown(child))) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), said, inside)  # noqa: S704 -- a name of ours


def _number(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else shown(value)
