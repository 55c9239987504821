"""What an address asks for: which problems, in what order, from where on. It may say anything."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException

from sparq_core.contract.decoding import learn
from sparq_core.ledger.browse import Filter, Key

learn(Filter, Key)

LONGEST = 500
"""Characters of a part of a question."""


class Asked(NamedTuple):
    """A question about problems."""

    wanted: Filter
    after: Key | None = None
    before: Key | None = None

    def address(self, **others: Any) -> str:
        """It as the part of an address behind `?`, with some parts replaced; empty where nothing is asked."""
        return query({**msgspec.structs.asdict(self.wanted), **others})


def query(parts: Mapping[str, Any]) -> str:
    """Parts of a question as an address has them; those that say nothing are left out."""
    told = {name: _told(value) for name, value in parts.items() if value not in (None, "") and (name, value) != DEFAULT}
    return "?" + urlencode(told) if told else ""


DEFAULT = ("order", "newest")


def _told(value: Any) -> str:
    return (
        f"{value.rate}.{value.n}"
        if isinstance(value, Key)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def asked(parts: Mapping[str, str]) -> Asked:
    """The question of an address; one that makes no sense is a bad request."""
    given = {name: value[:LONGEST] for name, value in parts.items() if value.strip()}
    try:
        wanted = msgspec.convert({name: given[name] for name in FIELDS & given.keys()}, Filter, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, f"The address is not valid: {error}.") from error
    return Asked(wanted, *(_key(given.get(name)) for name in ("after", "before")))


FIELDS = {field.name for field in msgspec.structs.fields(Filter)}


def _key(text: str | None) -> Key | None:
    if text is None:
        return None
    rate, _, n = text.partition(".")
    try:
        return msgspec.convert((rate, n), Key, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, "The address does not say where the page begins.") from error
