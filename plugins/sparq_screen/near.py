"""
An index of near duplicates that stays small: about 200 bytes a text.

A MinHash signature keeps one byte of each of its numbers, which is enough to compare two (b-bit minwise hashing, Li and König
2010). Texts that share a band of a signature are linked into a chain, newest first, and only those are compared.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, Any

import numpy as np
import rensa
from numpy.typing import NDArray

PERMUTATIONS, SLOTS, SHORT = 128, 1 << 20, 16
CAPACITY = 1024
FOUND = 0.999
"""The share of pairs exactly `near` alike that share a band; of those more alike, more."""

Texts = NDArray[np.uint32]
Signature = tuple[NDArray[np.uint8], NDArray[np.uint64]]
"""A text's MinHash numbers, and for each band the slot of its chain."""


class NearDuplicates:
    """Remembers texts by the tokens they are compared by, and knows which come near an earlier one."""

    def __init__(self, near: float) -> None:
        self._needed = math.ceil(PERMUTATIONS * (near + (1 - near) / 256) - 1e-9)
        bands, self._rows = bands_of(near)
        self._bands = np.arange(bands)
        self._powers = np.array([pow(0x9E3779B97F4A7C15, i + 1, 1 << 64) for i in range(self._rows)], np.uint64)
        self._newest = np.zeros((bands, SLOTS), np.uint32)
        self._before = np.zeros((CAPACITY, bands), np.uint32)
        self._numbers = np.zeros((CAPACITY, PERMUTATIONS), np.uint8)
        self._long: dict[tuple[int, int], array[int]] = {}
        self._count = 1  # text 0 ends a chain

    def signatures(self, texts: Sequence[Sequence[str]]) -> list[Signature]:
        """What `add` takes for each of the texts; a batch at a time is fastest."""
        digests = rensa.RMinHash.digests_from_token_sets(texts, PERMUTATIONS, 0)
        numbers = np.array(digests, np.uint32).reshape(-1, PERMUTATIONS).astype(np.uint8)
        banded = numbers[:, : len(self._bands) * self._rows].reshape(-1, len(self._bands), self._rows)
        slots = (banded @ self._powers) >> np.uint64(65 - SLOTS.bit_length())
        return list(zip(numbers, slots, strict=True))

    def add(self, signature: Signature) -> bool:
        """Whether a text is near none that came before; it is then remembered."""
        numbers, slots = signature
        newest = self._newest[self._bands, slots]
        if self._is_near(signature, newest):
            return False
        if self._count == len(self._numbers):
            self._numbers, self._before = _doubled(self._numbers), _doubled(self._before)
        self._numbers[self._count] = numbers
        self._before[self._count] = newest
        self._newest[self._bands, slots] = self._count
        self._count += 1
        return True

    def save(self, file: IO[bytes]) -> None:
        """Write all that is remembered; the ends of long chains are gathered again when they are asked for."""
        for rows in (self._newest, self._before[: self._count], self._numbers[: self._count]):
            np.save(file, rows, allow_pickle=False)

    def load(self, file: IO[bytes]) -> None:
        """Remember what was written."""
        self._newest, self._before, self._numbers = (np.load(file, allow_pickle=False) for _ in range(3))
        self._count = len(self._numbers)

    def _is_near(self, signature: Signature, newest: Texts) -> bool:
        if not newest.any():
            return False
        numbers, slots = signature
        candidates = np.concatenate([newest, *self._older(newest, slots)])
        alike = (self._numbers.take(candidates, axis=0) == numbers).sum(axis=1, dtype=np.uint8)
        return bool(alike.max() >= self._needed)

    def _older(self, texts: Texts, slots: NDArray[np.uint64]) -> Iterator[Texts]:
        """What comes before the newest text in each band's chain, followed in all bands at once."""
        for _ in range(SHORT):
            texts = self._before[texts, self._bands]
            if not texts.any():
                return
            yield texts
        for band in texts.nonzero()[0]:
            yield self._rest(int(band), int(slots[band]), int(texts[band]))

    def _rest(self, band: int, slot: int, text: int) -> Texts:
        """The old end of a long chain, from a text on: kept as an array, which is brought up to that text."""
        rest = self._long.setdefault((band, slot), array("I", [0]))
        new = []
        while text > rest[-1]:
            new.append(text)
            text = int(self._before[text, band])
        rest.extend(reversed(new))
        return np.array(rest)


def bands_of(near: float) -> tuple[int, int]:
    """
    How many bands, of how many rows each: as many rows as let pairs `near` alike share a band.

    A band is shared with probability near^rows, so one of them with 1 - (1 - near^rows)^bands.
    """
    for rows in range(PERMUTATIONS, 0, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - near**rows) ** bands >= FOUND:
            return next(n for n in range(1, bands + 1) if 1 - (1 - near**rows) ** n >= FOUND), rows
    return PERMUTATIONS, 1


def _doubled(rows: NDArray[Any]) -> NDArray[Any]:
    larger = np.empty((2 * len(rows), rows.shape[1]), rows.dtype)
    larger[: len(rows)] = rows
    return larger
