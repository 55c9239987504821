"""What the sampler and an engine process say to each other: msgpack over a socket."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import msgspec
from msgspec import Struct

import sparq_core as sparq


class Open(Struct, frozen=True, tag=True):
    """To a new process: the model to serve, and the engine's arguments by vLLM's names."""

    path: str
    chat_template: str | None
    engine: dict[str, Any]
    digest: str = ""
    """By which the run knows its weights."""


class Ask(Struct, frozen=True, tag=True):
    """To the engine: one request; sample j of `n` is drawn from seed + j."""

    id: int
    messages: tuple[sparq.Message, ...]
    seed: int
    n: int
    sampling: sparq.Sampling


class Ready(Struct, frozen=True, tag=True):
    """From the engine, once: it is open."""

    digest: str
    """Of the weights it serves, read from its folder before they were loaded."""
    slots: int
    """Sequences it works on at once."""
    device: str


class Answers(Struct, frozen=True, tag=True):
    """From the engine: requests that are done, with their completions."""

    done: list[tuple[int, list[sparq.Completion]]]


class Beat(Struct, frozen=True, tag=True):
    """From the engine, about once a second while it makes progress."""


class Failed(Struct, frozen=True, tag=True):
    """From the process, before it ends: why."""

    cause: str


FromEngine = Ready | Answers | Beat | Failed

_encode = msgspec.msgpack.Encoder().encode
_from_engine: Callable[[bytes], FromEngine] = msgspec.msgpack.Decoder(FromEngine).decode
_asks = msgspec.msgpack.Decoder(list[Ask]).decode
_open = msgspec.msgpack.Decoder(Open).decode


def send(connection: Connection, message: FromEngine | Open | list[Ask]) -> None:
    """Send one message."""
    connection.send_bytes(_encode(message))


def from_engine(connection: Connection) -> FromEngine:
    """The next message of an engine; EOFError or OSError when its process is gone."""
    return _from_engine(connection.recv_bytes())


def opening(connection: Connection) -> Open:
    """In the process: its first message."""
    return _open(connection.recv_bytes())


def asked(connection: Connection) -> list[Ask]:
    """In the process: the next requests, none of them to end; EOFError when the run is gone."""
    return _asks(connection.recv_bytes())
