"""When a folder holds a whole model, and when two hold the same weights."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_training import WEIGHTS, model, sharded, tensors

from sparq_command.changed import are_same
from sparq_command.fits import check_fits
from sparq_command.whole import NotWholeError, check_whole
from sparq_tiny import MODEL

INDEX = "model.safetensors.index.json"


def remap(folder: Path, **places: object) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": places}))


def adapters_only(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def linked(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "elsewhere")
    (folder / "model.safetensors").symlink_to(folder.parent / "elsewhere")


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "its folder is gone"),
    "nothing": (emptied, "there is no config.json: it is empty"),
    "no configuration": (
        lambda f: (f / "config.json").unlink(),
        "no config.json: it holds model.safetensors, tokenizer",
    ),
    "a broken one": (lambda f: (f / "config.json").write_text("{"), "config.json cannot be read"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), "config.json holds no object"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "there are no weights in safetensors files: it holds"),
    "pickled ones": (
        lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
        "no weights in safetensors files: it holds config.json, pytorch_model.bin",
    ),
    "adapters": (adapters_only, "the weights are those of adapters alone; have the trainer merge them"),
    "cut weights": (
        lambda f: (f / "model.safetensors").write_bytes((f / "model.safetensors").read_bytes()[:-1]),
        "model.safetensors has .* bytes, and its weights would take",
    ),
    "a cut header": (
        lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 12),
        "is no safetensors file: its header",
    ),
    "another kind of file": (
        lambda f: (f / "model.safetensors").write_bytes((5).to_bytes(8, "little") + b"hello"),
        "is no safetensors file: its header cannot be read",
    ),
    "an empty file": (lambda f: (f / "model.safetensors").write_bytes(b""), "is no safetensors file"),
    "no tensor": (lambda f: tensors(f / "model.safetensors", {}), "model.safetensors holds no weights"),
    "no tokenizer": (
        lambda f: (f / "tokenizer.json").unlink(),
        "there is no tokenizer, which the trainer must save, too",
    ),
    "a broken tokenizer": (lambda f: (f / "tokenizer.json").write_text('{"a'), "tokenizer.json cannot be read"),
    "a link": (linked, "model.safetensors is a link to .*elsewhere; it must be a file of its own"),
}
SPOILT_SHARDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a shard less": (
        lambda f: (f / "model-2-of-2.safetensors").unlink(),
        "model-2-of-2.safetensors is missing, which model.safetensors.index.json names",
    ),
    "a tensor less": (
        lambda f: tensors(f / "model-2-of-2.safetensors", {"other": [1.0]}),
        "model-2-of-2.safetensors lacks the weights norm.weight",
    ),
    "a cut shard": (
        lambda f: (f / "model-1-of-2.safetensors").write_bytes((f / "model-1-of-2.safetensors").read_bytes()[:-2]),
        "model-1-of-2.safetensors has",
    ),
    "an empty index": (remap, "names no weights"),
    "a way out": (lambda f: remap(f, a="../tiny/model.safetensors"), "names a file outside the folder"),
    "no name": (lambda f: remap(f, a=3), "names a file outside the folder"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_a_model_lacks_is_named(tmp_path: Path, what: str) -> None:
    spoil, message = SPOILT[what]
    folder = model(tmp_path / "model")
    check_whole(folder)
    spoil(folder)
    with pytest.raises(NotWholeError, match=message):
        check_whole(folder)


@pytest.mark.parametrize("what", SPOILT_SHARDS)
def test_what_a_model_in_shards_lacks_is_named(tmp_path: Path, what: str) -> None:
    spoil, message = SPOILT_SHARDS[what]
    folder = sharded(tmp_path / "model")
    check_whole(folder)
    spoil(folder)
    with pytest.raises(NotWholeError, match=message):
        check_whole(folder)


def test_a_real_model_is_whole_and_the_same_as_itself() -> None:
    check_whole(MODEL)
    assert are_same(MODEL, MODEL)


OTHER = {**WEIGHTS, "norm.weight": [1.0, 1.0078125]}
"""One weight is another by the least that bfloat16 can hold."""


def test_weights_are_compared_by_value(tmp_path: Path) -> None:
    kinds = {name: model(tmp_path / name, dtype=name) for name in ("F32", "BF16", "F16")}
    assert are_same(kinds["F32"], kinds["BF16"])
    assert are_same(kinds["BF16"], kinds["F32"])
    assert are_same(kinds["F16"], kinds["F16"])
    assert not are_same(kinds["F16"], kinds["F32"])  # not comparable without a computation
    assert are_same(kinds["F32"], sharded(tmp_path / "sharded"))
    for kind in kinds.values():
        assert not are_same(kind, model(tmp_path / f"other {kind.name}", OTHER, kind.name))


def test_weights_of_other_names_or_shapes_are_others(tmp_path: Path) -> None:
    before = model(tmp_path / "before")
    assert not are_same(before, model(tmp_path / "renamed", {"x": [1.0]}))
    assert not are_same(before, model(tmp_path / "grown", {**WEIGHTS, "norm.weight": [1.0, 1.0, 1.0]}))
    assert are_same(before, model(tmp_path / "untied", {**WEIGHTS, "head.weight": [0.0]}))


def test_a_difference_beyond_the_first_piece_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparq_command.changed.PIECE", 4)
    before, after = model(tmp_path / "before"), model(tmp_path / "after", OTHER, "BF16")
    assert not are_same(before, after)
    assert are_same(before, model(tmp_path / "same", dtype="BF16"))


UNFIT = {
    "a tensor is missing": ({"embed.weight": WEIGHTS["embed.weight"]}, "the weights norm.weight are missing"),
    "a shape is another": ({**WEIGHTS, "norm.weight": [1.0] * 3}, r"norm.weight have the shape 3 in place of 2"),
    "one value is no number": (
        {**WEIGHTS, "embed.weight": [0.5, -1.0, math.nan, 0.25]},
        "embed.weight .* NaN or infinite",
    ),
    "one is infinite": ({**WEIGHTS, "norm.weight": [1.0, -math.inf]}, "norm.weight hold values that are NaN"),
}


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
@pytest.mark.parametrize("what", UNFIT)
def test_weights_that_cannot_stand_in_for_those_before_are_named(tmp_path: Path, what: str, dtype: str) -> None:
    weights, message = UNFIT[what]
    before = model(tmp_path / "before")
    check_fits(before, model(tmp_path / "trained", OTHER, dtype))
    with pytest.raises(NotWholeError, match=message):
        check_fits(before, model(tmp_path / "unfit", weights, dtype))


def test_weights_may_differ_as_trainers_have_them(tmp_path: Path) -> None:
    before = model(tmp_path / "before", {**WEIGHTS, "lm_head.weight": [1.0]})
    check_fits(before, model(tmp_path / "tied", WEIGHTS))
    check_fits(tmp_path / "tied", before)
    check_fits(before, sharded(tmp_path / "sharded"))
    check_fits(before, model(tmp_path / "renamed", {"x": [1.0]}))
    check_fits(before, model(tmp_path / "large", {**WEIGHTS, "norm.weight": [1e38, -65504.0]}))
    grown = model(tmp_path / "grown", {**WEIGHTS, "embed.weight": [0.5] * 6})
    (grown / "config.json").write_text('{"model_type": "llama", "vocab_size": 6}')
    check_fits(before, grown)
    check_fits(MODEL, MODEL)
