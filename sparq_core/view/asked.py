"""What an address asks for: which problems, in what order, from where on. It may say anything."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException

from sparq_core.contract.decoding import learn
from sparq_core.contract.records import OUTCOMES
from sparq_core.ledger.browse import Filter, Key, Order
from sparq_core.ledger.counting import Names
from sparq_core.ledger.index import Index

learn(Filter, Key)

LONGEST = 500
"""Characters of a part of a question."""
MOST_NAMED = 20
"""Operators or reasons that are named where another one was asked for."""


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


def asked(parts: Mapping[str, str], index: Index) -> Asked:
    """The question of an address, which may give operators and reasons by name; one that makes no sense is a bad request."""
    given = {name: value[:LONGEST] for name, value in parts.items() if value.strip()}
    for name, names in {"operator": index.operators, "reason": index.reasons}.items():
        if name in given and not given[name].isdecimal():
            given[name] = _number(name, given[name], names)
    try:
        wanted = msgspec.convert({name: given[name] for name in FIELDS & given.keys()}, Filter, strict=False)
    except msgspec.ValidationError as error:
        wrong = str(error).rpartition("`$.")[2].rstrip("`")
        raise HTTPException(
            400, f"{wrong}={given.get(wrong, '')} in the address is not valid.{_may_be(wrong)}"
        ) from error
    return Asked(wanted, *(_key(given.get(name)) for name in ("after", "before")))


def _number(part: str, name: str, names: Names[str]) -> str:
    number = names.find(name)
    if number is None:
        known = ", ".join(names.known[n] for n in names.most_frequent(MOST_NAMED)) or "none yet"
        raise HTTPException(400, f"There is no {part} “{name}” here. There are: {known}.")
    return str(number)


def _may_be(part: str) -> str:
    values = get_args(Order) if part == "order" else OUTCOMES if part == "outcome" else ()
    return f" It may be {', '.join(values)}." if values else ""


FIELDS = {field.name for field in msgspec.structs.fields(Filter)}


def _key(text: str | None) -> Key | None:
    if text is None:
        return None
    rate, _, n = text.partition(".")
    try:
        return msgspec.convert((rate, n), Key, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, "The address does not say where the page begins.") from error
