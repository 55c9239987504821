"""Whether two folders hold the same weights: read piece by piece, and no further than to the first that differs."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sparq_core as sparq

PIECE = 1 << 24
"""Bytes that are compared at once."""


class Stored(NamedTuple):
    """A tensor with the file that it is in."""

    file: Path
    tensor: sparq.Tensor

    def pieces(self) -> Iterator[bytes]:
        """Its values one piece after the other, bfloat16 as float32."""
        step = PIECE // 2 if self.tensor.dtype == "BF16" else PIECE
        with self.file.open("rb") as stream:
            stream.seek(self.tensor.begin)
            for left in range(self.tensor.end - self.tensor.begin, 0, -step):
                yield _widened(stream.read(min(left, step)), self.tensor.dtype)


def are_same(before: Path, after: Path) -> bool:
    """
    Whether all weights that both folders have are equal, bfloat16 and float32 compared by value.

    False where they cannot be compared: none has a name that is in both, or shapes or types differ otherwise.
    """
    old, new = stored(before), stored(after)
    common = old.keys() & new.keys()
    return bool(common) and all(_is_same(old[name], new[name]) for name in sorted(common))


def stored(folder: Path) -> dict[str, Stored]:
    """All tensors of a folder by name."""
    return {
        name: Stored(file, tensor)
        for file in sorted(folder.glob("*.safetensors"))
        for name, tensor in sparq.tensors_of(file).items()
    }


def _is_same(one: Stored, other: Stored) -> bool:
    kinds = {one.tensor.dtype, other.tensor.dtype}
    comparable = len(kinds) == 1 or kinds == {"BF16", "F32"}
    if not comparable or one.tensor.shape != other.tensor.shape:
        return False
    return all(a == b for a, b in zip(one.pieces(), other.pieces(), strict=True))


def _widened(values: bytes, dtype: str) -> bytes:
    """As float32 where they are bfloat16, which is its upper half."""
    if dtype != "BF16":
        return values
    wide = bytearray(2 * len(values))
    wide[2::4], wide[3::4] = values[::2], values[1::2]
    return bytes(wide)
