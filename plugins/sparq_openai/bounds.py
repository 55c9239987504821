"""How much of a reply is read: whatever a server sends, no more than that is held."""

from collections.abc import AsyncIterator
from typing import Any

LONGEST_REPLY = 64 * 2**20
"""Bytes, unpacked: a thousand times what sixteen samples of a thousand tokens take."""


class ReplyTooLongError(Exception):
    """A reply longer than any answer."""


async def bound(response: Any) -> None:
    """Let a client's response be read no further than `LONGEST_REPLY`; for the client to call before it reads."""
    read = response.aiter_bytes

    async def within(chunk_size: int | None = None) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in read(chunk_size):
            size += len(chunk)
            if size > LONGEST_REPLY:
                raise ReplyTooLongError(f"more than {LONGEST_REPLY // 2**20} MiB")
            yield chunk

    response.aiter_bytes = within
