"""A model is named by everything in its folder that changes what it does, and older runs go on with the name they gave it."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sparq_core as sparq
from sparq_core.contract.weights import weights_digest
from sparq_core.testing import run_pipeline

FILES = {
    "model.safetensors": "weights",
    "config.json": "{}",
    "merges.txt": "a b",
    "added_tokens.json": "{}",
    "chat_template.jinja": "{{ messages }}",
    "modeling_odd.py": "class Odd: pass",
    "vocab.tiktoken": "YQ== 0",
    "additional_chat_templates/tools.jinja": "{{ tools }}",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_each_file_that_changes_what_a_model_does_is_part_of_its_name(model: Path, name: str) -> None:
    before = weights_digest(str(model))
    (model / name).write_text("# other")
    other = weights_digest(str(model))
    (model / name).unlink()
    assert len({before, other, weights_digest(str(model))}) == 3


@pytest.mark.parametrize("name", ["README.md", ".gitattributes", "checkpoint-5/optimizer.pt"])
def test_other_files_are_not(model: Path, name: str) -> None:
    before = weights_digest(str(model))
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text("said")
    assert weights_digest(str(model)) == before


def test_a_folder_without_code_and_vocabularies_is_named_as_ever(model: Path) -> None:
    for name in ("merges.txt", "modeling_odd.py", "vocab.tiktoken", "additional_chat_templates/tools.jinja"):
        (model / name).unlink()
    assert weights_digest(str(model)) == weights_digest(str(model), 1)


def test_a_run_notices_that_code_was_added_to_its_model(sums: Callable[..., Any], tmp_path: Path, model: Path) -> None:
    (model / "modeling_odd.py").unlink()
    pipeline = sums(steps=1, models={"student": {"use": "scripted", "model": str(model)}})
    run_pipeline(pipeline, tmp_path)
    (model / "modeling_odd.py").write_text("class Odd: pass")
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.weights"):
        run_pipeline(pipeline, tmp_path, resume=True)


def test_a_run_of_an_earlier_version_goes_on_with_the_name_it_gave_its_model(
    sums: Callable[..., Any], tmp_path: Path, model: Path
) -> None:
    pipeline = sums(steps=2, models={"student": {"use": "scripted", "model": str(model)}})
    ran = run_pipeline(pipeline, tmp_path)
    as_before(ran.folder, model)
    run_pipeline({**pipeline, "steps": 3}, tmp_path, resume=True)
    with ran.read() as ledger:
        assert ledger.run().weights_version == 1
    (model / "config.json").write_text('{"other": 1}')
    with pytest.raises(sparq.PipelineError, match=r"models\.student\.weights"):
        run_pipeline({**pipeline, "steps": 4}, tmp_path, resume=True)


def as_before(folder: Path, model: Path) -> None:
    """What an earlier version, which left code and vocabularies out, wrote of a run's identity."""
    connection = sqlite3.connect(folder / "sparq.db")
    ((text,),) = connection.execute("SELECT identity FROM run")
    identity = json.loads(text)
    del identity["weights_version"]
    identity["models"]["student"]["weights"] = weights_digest(str(model), 1)
    connection.execute("UPDATE run SET identity = ?", (json.dumps(identity),))
    connection.commit()
    connection.close()


def test_both_names_of_a_model_are_its_names(model: Path) -> None:
    assert all(sparq.is_named(str(model), weights_digest(str(model), version)) for version in (1, 2))
    assert not sparq.is_named(str(model), "other")
