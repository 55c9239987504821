"""
Types that several threads decode.

msgspec (0.22) builds what it knows of a type when it first meets it, and crashes the process where a second thread meets the
same type meanwhile; so here each type is learned by one thread at a time, before anything is decoded as it.
"""

from functools import cache
from threading import Lock
from typing import Any

import msgspec

_learning = Lock()


@cache
def decoder(kind: Any) -> "msgspec.msgpack.Decoder[Any]":
    """Decodes MessagePack as any type that msgspec knows."""
    with _learning:
        return msgspec.msgpack.Decoder(kind)


def learn(*kinds: Any) -> None:
    """Have these types, and those of their fields, decoded by any thread from now on; for the end of a module's imports."""
    for kind in kinds:
        decoder(kind)
