"""Whether a folder holds a whole model: configuration, weights to their last byte, tokenizer."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sparq_core as sparq

INDEX, CONFIG = "model.safetensors.index.json", "config.json"
TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.*",
    "spiece.model",
    "*.bpe.model",
    "*.tiktoken",
    "tekken.json",
)
"""Files of which a tokenizer has one at least."""
MOST_NAMES = 12
"""Files that a message lists."""


class NotWholeError(Exception):
    """What a model lacks."""


def check_whole(folder: Path) -> None:
    """NotWholeError where a trainer has left anything but a whole model in its folder."""
    if folder.is_symlink() or not folder.is_dir():
        raise NotWholeError("its folder is gone")
    for file in folder.rglob("*"):
        if file.is_symlink():
            raise NotWholeError(f"{file.name} is a link to {file.readlink()}; it must be a file of its own")
    if not (folder / CONFIG).is_file():
        raise NotWholeError(f"there is no {CONFIG}: {_held(folder)}")
    _json(folder / CONFIG)
    files = (
        {folder / name for name in _shards(folder)} if (folder / INDEX).is_file() else set(folder.glob("*.safetensors"))
    )
    if not files or [file.name for file in files] == ["adapter_model.safetensors"]:
        raise NotWholeError(_no_weights(folder))
    for file in sorted(files):
        _check_shard(file)
    if not any(file for pattern in TOKENIZERS for file in folder.glob(pattern)):
        raise NotWholeError(f"there is no tokenizer, which the trainer must save, too: {_held(folder)}")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            _json(folder / name)


def _no_weights(folder: Path) -> str:
    if (folder / "adapter_config.json").is_file():
        return (
            "the weights are those of adapters alone; have the trainer merge them into the model, or do it by `merge`"
        )
    return f"there are no weights in safetensors files: {_held(folder)}"


def _held(folder: Path) -> str:
    """What is in a folder, in a few words."""
    names = sorted(file.name + "/" * file.is_dir() for file in folder.iterdir())
    more = ["…"] if len(names) > MOST_NAMES else []
    return f"it holds {', '.join(names[:MOST_NAMES] + more)}" if names else "it is empty"


def _shards(folder: Path) -> Iterator[str]:
    """The files that the index names, once their tensors are found to be in them."""
    places = _json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise NotWholeError(f"{INDEX} names no weights")
    held: dict[str, Mapping[str, sparq.Tensor]] = {}
    for tensor, name in places.items():
        if not isinstance(name, str) or Path(name).name != name:
            raise NotWholeError(f"{INDEX} names a file outside the folder")
        if name not in held:
            if not (folder / name).is_file():
                raise NotWholeError(f"{name} is missing, which {INDEX} names")
            held[name] = _tensors(folder / name)
        if tensor not in held[name]:
            raise NotWholeError(f"{name} lacks the weights {sparq.shortened(tensor, 80)}, which {INDEX} has there")
    yield from held


def _check_shard(file: Path) -> None:
    tensors, size = _tensors(file), file.stat().st_size
    if not tensors:
        raise NotWholeError(f"{file.name} holds no weights")
    if (end := max(tensor.end for tensor in tensors.values())) != size:
        raise NotWholeError(f"{file.name} has {size:,} bytes, and its weights would take {end:,}")


def _tensors(file: Path) -> dict[str, sparq.Tensor]:
    try:
        return sparq.tensors_of(file)
    except ValueError as error:
        raise NotWholeError(f"{file.name} is no safetensors file: {error}") from error


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotWholeError(f"{file.name} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise NotWholeError(f"{file.name} holds no object")
    return found
