"""Whether trained weights can stand in for those they started from: the same names and shapes, and finite values."""

import json
from pathlib import Path
from typing import Any

import sparq_core as sparq
from sparq_command.changed import Stored, stored
from sparq_command.whole import CONFIG, NotWholeError

TIED = ("lm_head.weight", "embed_tokens.weight", "wte.weight", "shared.weight")
"""The ends of names that may be left out or added: where input and output embeddings are tied, one of the two is enough."""
EXPONENT = {"F16": 0x7C, "BF16": 0x7F, "F32": 0x7F}
"""The bits of a value's highest byte that are all set if it is not finite; of the wide kinds, the next bit is, too."""


def check_fits(before: Path, after: Path) -> None:
    """NotWholeError where the weights in a folder lack some of those they started from, have other shapes, or aren't finite."""
    old, new = stored(before), stored(after)
    missing = [name for name in old if name not in new and not name.endswith(TIED)]
    added = [name for name in new if name not in old and not name.endswith(TIED)]
    if missing and not added:  # where others were added, the trainer may name them in its own way
        raise NotWholeError(f"the weights {sparq.shortened(missing[0], 80)} are missing{_more(len(missing))}")
    if _numbers(before) == _numbers(after):
        for name in sorted(old.keys() & new.keys()):
            _check_shape(name, old[name], new[name])
    for name, one in new.items():
        if not _is_finite(one):
            raise NotWholeError(f"the weights {sparq.shortened(name, 80)} hold values that are NaN or infinite")


def _more(missing: int) -> str:
    return f", and {missing - 1:,} others" if missing > 1 else ""


def _numbers(folder: Path) -> dict[str, Any]:
    """What the configuration says of the sizes; another vocabulary, say, comes with other shapes."""
    found: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    sizes = {name: value for name, value in found.items() if type(value) is int and not name.endswith("_token_id")}
    return {**sizes, "quantized": "quantization_config" in found}


def _check_shape(name: str, old: Stored, new: Stored) -> None:
    if old.tensor.shape != new.tensor.shape:
        shapes = " in place of ".join(" × ".join(map(str, one.tensor.shape)) for one in (new, old))
        raise NotWholeError(f"the weights {sparq.shortened(name, 80)} have the shape {shapes}")


def _is_finite(one: Stored) -> bool:
    """Kinds of values that cannot be infinite are finite, and so are double ones, which no model has."""
    bits = EXPONENT.get(one.tensor.dtype)
    if bits is None:
        return True
    marks = bytes(byte & bits == bits for byte in range(256))
    width, narrow = (2, True) if one.tensor.dtype == "F16" else (4, False)
    for piece in one.pieces():
        high = piece[width - 1 :: width].translate(marks)
        at = high.find(1)
        while at >= 0:
            if narrow or piece[at * width + 2] & 0x80:
                return False
            at = high.find(1, at + 1)
    return True
