"""Where a model's files are, and what a safetensors file begins with; nothing of the weights is loaded."""

from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

LONGEST_HEADER = 100_000_000
"""Bytes that a safetensors file may begin with, as its own library has it."""
_LENGTH = 8


class Tensor(NamedTuple):
    """A tensor in a safetensors file."""

    dtype: str
    """As the format names it: `F32`, `BF16`, …"""
    shape: tuple[int, ...]
    """Its sizes."""
    begin: int
    """Where its values begin in the file, in bytes."""
    end: int
    """Where they end."""


class _Entry(Struct):
    """What the format says of a tensor; its metadata has none of this."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    data_offsets: tuple[int, int] = (0, 0)


def folder_of(model: str) -> Path | None:
    """Where a model's files are: its folder, or the hub's cache; None where they are not on this machine."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def tensors_of(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name; ValueError where it is none. Whether the values are all there is not seen."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(_LENGTH), "little")
        if length > min(file.stat().st_size, LONGEST_HEADER):
            raise ValueError("its header is longer than the file or the format allows")
        header = stream.read(length)
    try:
        entries = msgspec.json.decode(header, type=dict[str, _Entry])
    except msgspec.DecodeError as error:
        raise ValueError(f"its header cannot be read: {error}") from error
    first = _LENGTH + length
    return {
        name: Tensor(entry.dtype, entry.shape, *(first + offset for offset in entry.data_offsets))
        for name, entry in entries.items()
        if name != "__metadata__"
    }
