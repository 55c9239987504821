"""YAML in, typed records out."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import sparq_core as sparq
from sparq_core.contract.config import Pipeline
from sparq_core.pipeline.file import apply_override, load_pipeline
from sparq_core.pipeline.settings import convert

MINIMAL: dict[str, Any] = {
    "name": "x",
    "steps": 1,
    "models": {"m": {"use": "scripted", "model": "x"}},
    "plugins": [{"use": "mutate"}],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("3.0e-4", 3e-4), ("2.5E+3", 2500.0), ("1.", 1.0), (".5", 0.5), ("-1e3", -1000.0)],
)
def test_scientific_notation_is_a_number(tmp_path: Path, text: str, value: float) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump(MINIMAL) + f"attempts: {{temperature: {text.lstrip('-')}}}\n")
    assert load_pipeline(path).attempts.temperature == abs(value)


@pytest.mark.parametrize("text", ["1.2.3", "2024-01-01", "v1.0", "1_000", "e5", "12:30", "no", "on", "0x10", "010"])
def test_what_is_no_number_stays_a_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    models = f"models:\n  m: {{use: x, model: {text}}}\n"
    path.write_text(models + yaml.safe_dump({**MINIMAL, "models": None}).replace("models: null\n", ""))
    assert load_pipeline(path).models["m"].model == text


def test_overrides_reach_plugins_by_name_and_by_index() -> None:
    data = {"plugins": [{"use": "a"}, {"use": "b", "with": {"x": 1}}]}
    apply_override(data, "plugins.b.with.x=2")
    apply_override(data, "plugins.0.with.y=[1, 2]")
    apply_override(data, "attempts.k=8")
    assert data == {
        "plugins": [{"use": "a", "with": {"y": [1, 2]}}, {"use": "b", "with": {"x": 2}}],
        "attempts": {"k": 8},
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["name", "steps", "models", "attempts", "plugins", "roles", "train", "budget", "in_flight", "zzz"]),
)
def test_any_value_anywhere_is_taken_or_refused_with_its_place(value: Any, key: str) -> None:
    message = "p.yaml: fine"
    try:
        convert({**MINIMAL, key: value}, Pipeline, "p.yaml")
    except sparq.PipelineError as error:
        message = str(error)
    assert message.startswith("p.yaml: ")


def test_defaults_are_the_papers() -> None:
    pipeline = convert(MINIMAL, Pipeline, "p.yaml")
    assert (pipeline.batch, pipeline.attempts.k, pipeline.attempts.temperature) == (64, 16, 1.0)
    assert pipeline.cast_of_roles() == {"generator": "m", "solver": "m", "labeller": "m"}


def test_a_pipeline_survives_a_round_trip_through_json() -> None:
    import msgspec

    pipeline = convert(MINIMAL, Pipeline, "p.yaml")
    assert msgspec.json.decode(msgspec.json.encode(pipeline), type=Pipeline) == pipeline


@pytest.mark.parametrize("name", ["plugins.1", "plugins[1]", "plugins.File", "plugins../dir.d/file.py:File"])
def test_a_plugin_of_a_file_is_named_by_its_use_its_class_or_its_place(name: str) -> None:
    data: dict[str, Any] = {"plugins": [{"use": "first"}, {"use": "./dir.d/file.py:File"}]}
    apply_override(data, f"{name}.with.size=3")
    assert data["plugins"][1]["with"] == {"size": 3}


def test_a_plugin_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(
        sparq.PipelineError, match=r"no entry 'frist' here; did you mean 'first'\?.* or its place \(0 to 0\)"
    ):
        apply_override({"plugins": [{"use": "first"}]}, "plugins.frist.with.size=3")
