"""Values of a row as JSON has them, by one rule for JSON lines, Parquet and datasets."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from functools import singledispatch
from math import isfinite
from typing import Any
from uuid import UUID


@singledispatch
def plain(value: Any) -> Any:
    """
    A value as plain JSON; TypeError or ValueError where it has no such form.

    Dates and times become ISO text, durations seconds, decimals and UUIDs text, bytes the text they are in UTF-8, NaN and
    infinities null, tuples lists, numpy's scalars and arrays what Python has for them, lone surrogates U+FFFD.
    """
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"is of type {type(value).__name__}, which has no form in JSON")


@plain.register(bool)
@plain.register(type(None))
def _as_it_is(value: bool | None) -> bool | None:
    return value


@plain.register
def _integer(value: int) -> int:
    return int(value)


@plain.register
def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None


@plain.register
def text(value: str) -> str:
    """A text that UTF-8 can hold: lone surrogates become U+FFFD."""
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@plain.register
def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("holds bytes that are no UTF-8 text") from None


@plain.register(date)
@plain.register(time)
def _moment(value: date | time) -> str:
    return value.isoformat()


@plain.register
def _duration(value: timedelta) -> float:
    return value.total_seconds()


@plain.register(Decimal)
@plain.register(UUID)
def _exact(value: Decimal | UUID) -> str:
    return str(value)


@plain.register
def _mapping(value: Mapping) -> dict[str, Any]:  # type: ignore[type-arg]  # what singledispatch reads must be a class
    return {text(str(key)): plain(item) for key, item in value.items()}


@plain.register(list)
@plain.register(tuple)
def _sequence(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    return [plain(item) for item in value]
