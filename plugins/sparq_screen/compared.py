"""What a child is compared by: its statement, or a text of its `extra`."""

from typing import Annotated

from msgspec import Meta

import sparq_core as sparq

Field = Annotated[
    str | None, Meta(description="Key of `extra` whose text is compared instead; none: the whole statement.")
]


def text_of(child: sparq.Problem, field: str | None) -> str:
    """Its statement, or what it has in the field; empty where its `extra` has no text there."""
    text = child.statement if field is None else child.extra.get(field)
    return text if isinstance(text, str) else ""


def nothing(field: str) -> str:
    """The reason to reject a child that has no text in the field."""
    return f"no {field} to compare"
