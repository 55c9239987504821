"""What `check` tells of a command before anything is spent: programs, names, templates."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_training import RUN

import sparq_core as sparq
from sparq_core.pipeline import prepare

Make = Callable[..., dict[str, Any]]
Find = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def find(commands: Make, tmp_path: Path) -> Find:
    """The errors that are found with these options, each with its place among them."""

    def found(settings: dict[str, Any] | None = None, **options: Any) -> list[tuple[str, str]]:
        path = tmp_path / "pipeline.yaml"
        path.write_text(yaml.safe_dump(commands(settings, **options)))
        loaded = prepare.load(path)
        findings = loaded.cast.check(loaded.run)
        assert {finding.level for finding in findings} <= {"warning" if settings else "error"}
        return [(finding.place.removeprefix("plugins[7].with."), finding.message) for finding in findings]

    return found


def test_a_sound_command_is_found_sound(find: Find, tmp_path: Path) -> None:
    assert find() == []
    (tmp_path / "train.yaml").write_text("{% if round > 1 %}{{ seed }}{% endif %} {{ chat_template }}")
    assert find(run=[*RUN, "{{ config }}"], config="train.yaml", merge=RUN, hours=2, env={"A": "{{ work }}"}) == []


def test_a_chat_template_that_the_trainer_is_not_given_is_a_warning(find: Find) -> None:
    models = {"student": {"use": "./fakes.py:Local", "model": "./tiny", "chat_template": "plain"}}
    ((place, message),) = find({"models": models})
    assert place == "run"
    assert "nothing uses {{ chat_template }}" in message
    assert find({"models": models}, run=[*RUN, "{{ chat_template }}"]) == []


def test_a_program_that_is_not_there(find: Find, tmp_path: Path) -> None:
    ((place, message),) = find(run=["no-such-trainer", *RUN[1:]])
    assert place == "run[0]"
    assert message.startswith(
        "no program 'no-such-trainer' is on the search path; install it, or give its path, as /opt"
    )
    assert find(run=["./train.sh", *RUN[1:]]) == [("run[0]", f"there is no program {tmp_path / 'train.sh'}")]
    (tmp_path / "train.sh").write_text("#!/bin/sh\n")
    assert find(run=["./train.sh", *RUN[1:]]) == [
        ("run[0]", f"{tmp_path / 'train.sh'} is not executable; chmod +x it, or run it by its interpreter")
    ]
    (tmp_path / "train.sh").chmod(0o755)
    assert find(run=["./train.sh", *RUN[1:]]) == []
    assert find(run=["{{ here }}/train.sh", *RUN[1:]]) == []
    assert find(run=["train.sh", *RUN[1:]], env={"PATH": "{{ here }}"}) == []
    missing = find(run=[RUN[0], "{{ here }}/trian.py", *RUN[2:]])
    assert missing == [("run[1]", f"there is no file {tmp_path / 'trian.py'}")]
    (place, _), *_ = find(merge=["no-such-merger"])
    assert place == "merge[0]"


@pytest.mark.parametrize(
    ("options", "place", "message"),
    [
        ({"run": [*RUN, "{{ modle }}"]}, "run[5]", "'modle' is no name that a template may use; did you mean 'model'?"),
        ({"run": [*RUN, "{{ config }}"]}, "run[5]", "'config' is no name that a template may use"),
        ({"run": [*RUN, "{{ seed"]}, "run[5]", "the template is broken: unexpected end of template"),
        ({"run": [*RUN, "{{ seed.x }}"]}, "run[5]", "the template cannot be rendered: a int has no 'x'"),
        ({"run": [*RUN, "{{ ''.__class__ }}"]}, "run[5]", "the template cannot be rendered"),
        ({"run": [*RUN, "{{ 'a\\x00b' }}"]}, "run[5]", "it has a NUL character"),
        ({"merge": [sys.executable, "{{ ouT }}"]}, "merge[1]", "'ouT' is no name"),
        ({"env": {"A": "{{ a }}"}}, "env.A", "'a' is no name"),
        ({"config": "broken.yaml"}, "config (broken.yaml)", "the template is broken: line 2 of it"),
        ({"config": "misspelt"}, "config (train/a.yaml)", "'modle' is no name"),
        ({"config": "image.png"}, "config", "is no text in UTF-8"),
        ({"config": "unused.yaml"}, "run", "nothing uses {{ config }}, so the trainer is not told the file that is"),
        ({"run": [*RUN[:4], "{out}"]}, "run", "nothing uses {{ out }}, so the trainer is not told the folder to write"),
    ],
)
def test_a_template_that_cannot_be_filled_in(
    find: Find, tmp_path: Path, options: dict[str, Any], place: str, message: str
) -> None:
    (tmp_path / "broken.yaml").write_text("seed: {{ seed }}\n{% if %}")
    (tmp_path / "misspelt" / "train").mkdir(parents=True)
    (tmp_path / "misspelt" / "train" / "a.yaml").write_text("{{ modle }}")
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "unused.yaml").write_text("{{ seed }}")
    ((found_place, found),) = find(**options)
    assert found_place == place
    assert found.removeprefix(f"{tmp_path}/").startswith(message) or message in found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"run": []}, "with: run: Expected `array` of length >= 1"),
        ({"run": "trl sft"}, "with: run: Expected `array`, got `str`"),
        ({"env": {"A=B": "x"}}, "env"),
        ({"config": "nowhere.yaml"}, "with.config: there is no file"),
        ({"hours": 0}, "with: hours"),
        ({"format": "csv"}, "it may be 'messages' or 'prompt-completion' or 'parquet'"),
        ({"timeout": 3}, "unknown setting 'timeout'"),
    ],
)
def test_options_that_make_no_sense_are_refused(find: Find, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sparq.PipelineError) as raised:
        find(**options)
    assert message in str(raised.value)
