"""Randomness is derived, never stored: a name and the run's seed give every number."""

import hashlib
import random

SEED_BITS = 48


def derive(*parts: int | str) -> int:
    """A 48-bit seed from a path of names and numbers, so that adding an attempt's index cannot overflow 63 bits."""
    path = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=SEED_BITS // 8).digest())


def generator(*parts: int | str) -> random.Random:
    """A generator of its own for a path of names and numbers."""
    return random.Random(derive(*parts))  # noqa: S311 -- sampling, not cryptography
