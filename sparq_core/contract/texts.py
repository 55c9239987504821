"""The texts in a row of data, however deep."""

from collections.abc import Iterable, Iterator
from typing import Any


def strings_in(value: Any) -> Iterator[str]:
    """All strings in a value as JSON has them, those of lists and of mappings' values included, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        inner: Iterable[Any] = value.values() if isinstance(value, dict) else value
        for item in inner:
            yield from strings_in(item)
