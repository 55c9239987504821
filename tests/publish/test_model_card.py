"""The card beside trained weights, as the Hub's own library reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FAKES

from sparq_core.contract.weights import weights_digest
from sparq_core.ledger.doctor import examine
from sparq_core.testing import run_pipeline

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def trained(sums: Make, tmp_path: Path) -> Callable[..., Path]:
    """Runs a pipeline that trains twice from a local model with a licence; gives the run folder."""
    (tmp_path / "fakes.py").write_text(FAKES)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    (tmp_path / "base" / "README.md").write_text("---\nlicense: mit\n---\n# Base\n")

    def run(resume: bool = False, **settings: Any) -> Path:
        models = {"student": {"use": "./fakes.py:Local", "model": str(tmp_path / "base")}}
        pipeline = sums(**{"models": models, "steps": 2, "rounds": 2, **settings})
        pipeline["plugins"] += [{"use": "./fakes.py:Trainer"}, {"use": "./fakes.py:Bench"}]
        return run_pipeline(pipeline, tmp_path, resume=resume).folder

    return run


def read(folder: Path) -> Any:
    from huggingface_hub import ModelCard

    return ModelCard.load(folder / "README.md")


def test_trained_weights_have_a_card(trained: Callable[..., Path], tmp_path: Path) -> None:
    folder = trained()
    for round_ in (1, 2):
        model = folder / "models" / f"round-{round_}"
        card = read(model)
        assert (card.data.license, card.data.library_name) == ("mit", "transformers")
        assert f"# sums, round {round_}" in card.text
        assert "| base model | `base` |" in card.text
        assert f"| digest of these weights | `{weights_digest(str(model))}` |" in card.text
        assert "| `sums` | 1 | 100.0 (20.7 to 100.0) | 100.0 (20.7 to 100.0) | +0.0 (-79.3 to +79.3) |" in card.text
        assert str(tmp_path) not in card.text
    assert "from the weights of round 1" in read(folder / "models" / "round-2").text


def test_a_card_is_no_part_of_the_weights(trained: Callable[..., Path]) -> None:
    folder = trained()
    model = folder / "models" / "round-1"
    digest = weights_digest(str(model))
    (model / "README.md").unlink()
    assert weights_digest(str(model)) == digest
    assert examine(folder).is_sound


def test_a_resumed_run_writes_a_card_that_is_gone_and_keeps_one_that_was_edited(trained: Callable[..., Path]) -> None:
    folder = trained()
    gone, edited = (folder / "models" / f"round-{n}" / "README.md" for n in (1, 2))
    before = gone.read_bytes()
    gone.unlink()
    edited.write_text("mine")
    trained(resume=True)
    assert gone.read_bytes() == before
    assert edited.read_text() == "mine"


def test_without_a_benchmark_the_card_says_so(sums: Make, tmp_path: Path) -> None:
    (tmp_path / "fakes.py").write_text(FAKES)
    models = {"student": {"use": "./fakes.py:Local", "model": "owner/model"}}
    pipeline = sums(models=models, steps=2)
    pipeline["plugins"].append({"use": "./fakes.py:Trainer"})
    card = read(run_pipeline(pipeline, tmp_path).folder / "models" / "round-1")
    assert "was not benchmarked" in card.text
    assert card.data.base_model == "owner/model"
    assert card.data.license is None
