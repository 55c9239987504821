"""The fake trainer's arguments, and models of a few bytes: all that a trainer must leave, and nothing more."""

import json
import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

RUN = [sys.executable, "{{ here }}/fake_trainer.py", "{{ model }}", "{{ dataset }}", "{{ out }}"]
WEIGHTS = {"embed.weight": [0.5, -1.0, 2.0, 0.25], "norm.weight": [1.0, 1.0]}
FORMATS = {"F32": "f", "F16": "e"}


def tensors(file: Path, weights: Mapping[str, Sequence[float]], dtype: str = "F32") -> None:
    """Write a safetensors file of vectors."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    values = b""
    for name, numbers in weights.items():
        encoded = b"".join(encode(number, dtype) for number in numbers)
        offsets = [len(values), len(values) + len(encoded)]
        header[name] = {"dtype": dtype, "shape": [len(numbers)], "data_offsets": offsets}
        values += encoded
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + values)


def encode(number: float, dtype: str) -> bytes:
    """A number in this type; bfloat16 is the upper half of a float32."""
    return struct.pack("<f", number)[2:] if dtype == "BF16" else struct.pack(f"<{FORMATS[dtype]}", number)


def model(folder: Path, weights: Mapping[str, Sequence[float]] = WEIGHTS, dtype: str = "F32") -> Path:
    """A whole model in a folder."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    tensors(folder / "model.safetensors", weights, dtype)
    return folder


def sharded(folder: Path) -> Path:
    """One whose weights are in two files."""
    model(folder)
    (folder / "model.safetensors").unlink()
    places = {name: f"model-{i}-of-2.safetensors" for i, name in enumerate(WEIGHTS, 1)}
    for name, file in places.items():
        tensors(folder / file, {name: WEIGHTS[name]})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


def lay_out(folder: Path) -> None:
    """Have the fake trainer, which trains well, and a model for it beside a pipeline."""
    shutil.copy(Path(__file__).with_name("fake_trainer.py"), folder)
    (folder / "how").write_text("trains")
    if not (folder / "tiny").exists():
        model(folder / "tiny")
