"""Recipes for other trainers: each is rendered as in a run, and uses no setting that its trainer does not know."""

import ast
import json
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import trainer_schemas
import yaml
from trainer_schemas import TRAINERS, written

from sparq_command import Command, CommandConfig
from sparq_command.templates import Order
from sparq_core.pipeline import prepare
from sparq_core.pipeline.discovery import build

Make = Callable[..., dict[str, Any]]
RECIPES = Path(__file__).parents[3] / "examples" / "recipes"
fetched = pytest.mark.skipif(find_spec("axolotl") is None, reason="needs the trainers: make test-recipes")
NAMES = sorted(folder.name for folder in RECIPES.iterdir())


@pytest.fixture
def rendered(commands: Make, tmp_path: Path) -> Callable[[str], tuple[list[str], Path]]:
    """A recipe's arguments and the folder of its files, as a training has them; the model's folder has an odd name."""

    def render(name: str) -> tuple[list[str], Path]:
        shutil.copytree(RECIPES / name, tmp_path / name)
        plugin = yaml.safe_load((tmp_path / name / "plugin.yaml").read_text())
        assert plugin["use"] == "command"
        member = build("command", plugin["with"], "plugins[0]", tmp_path)
        assert isinstance(member.plugin, Command)
        assert isinstance(member.config, CommandConfig)
        pipeline = commands()
        pipeline["plugins"][-1] = plugin
        (tmp_path / "pipeline.yaml").write_text(yaml.safe_dump(pipeline))
        loaded = prepare.load(tmp_path / "pipeline.yaml")
        absent = [finding.message for finding in loaded.cast.check(loaded.run)]
        assert all(message.startswith(("there is no program /opt/", "no program 'uv'")) for message in absent), absent
        order = Order.of(member.config)
        names = member.plugin._names(
            loaded.run.trained, tmp_path / 'odd "name".jsonl', tmp_path / "models" / "r", tmp_path
        )
        folder = tmp_path / "logs" / "train-r"
        order.write(folder, names)
        return [argument for command in order.commands(names) for argument in command], folder

    return render


def keys(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in config.items():
        yield f"{prefix}{name}"
        inner = value if isinstance(value, list) else [value]
        for one in inner:
            if isinstance(one, dict):
                yield from keys(one, f"{prefix}{name}.")


def overrides(arguments: list[str]) -> list[str]:
    """Hydra's, of a command line."""
    return [argument for argument in arguments if "=" in argument and not argument.startswith("-")]


def used(name: str, arguments: list[str], folder: Path) -> set[str]:
    """The settings that a recipe uses, named as its trainer's."""
    if name == "verl":
        return {override.partition("=")[0] for override in overrides(arguments)}
    if name == "prime_rl":
        return set(keys(tomllib.loads((folder / "sft.toml").read_text())))
    if name == "unsloth":
        calls = [n for n in ast.walk(ast.parse((folder / "train.py").read_text())) if isinstance(n, ast.Call)]
        return {f"{ast.unparse(call.func).rpartition('.')[2]}.{word.arg}" for call in calls for word in call.keywords}
    config = yaml.safe_load((folder / "train.yaml").read_text())
    if name == "trl":
        launch = yaml.safe_load((folder / "accelerate.yaml").read_text())
        return {*config, *(f"accelerate.{key}" for key in keys(launch))}
    if name == "llama_factory":
        (dataset,) = json.loads((folder / "dataset_info.json").read_text()).values()
        return {*config, *(f"dataset_info.{key.rpartition('.')[2]}" for key in keys(dataset))}
    return set(keys(config))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_uses_no_setting_that_its_trainer_lacks(name: str, rendered: Callable[..., Any]) -> None:
    about = written(name)
    assert about["version"]
    assert about["licence"] == "Apache-2.0"
    arguments, folder = rendered(name)
    asked = used(name, arguments, folder)
    if name == "unsloth":
        asked = {
            setting for setting in asked if setting.partition(".")[0] in {s.partition(".")[0] for s in about["names"]}
        }
    assert asked
    assert asked - set(about["names"]) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_a_recipe_is_read_back(name: str, rendered: Callable[..., Any], tmp_path: Path) -> None:
    readers: dict[str, Callable[[str], object]] = {
        ".yaml": yaml.safe_load,
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".py": ast.parse,
        ".sh": str,
    }
    arguments, folder = rendered(name)
    texts = [file.read_text() for file in folder.rglob("*") if file.is_file()]
    for file in folder.rglob("*"):
        assert not file.is_file() or readers[file.suffix](file.read_text())
    everything = "\n".join([*arguments, *texts])
    assert str(tmp_path / "models" / "r") in everything
    assert str(tmp_path / "tiny") in everything


@fetched
def test_trl_takes_its_recipe(rendered: Callable[..., Any], tmp_path: Path) -> None:
    from accelerate.commands.config.config_args import ClusterConfig
    from trl import TrlParser

    _, folder = rendered("trl")
    parser = TrlParser(trainer_schemas.trl_records())
    text = (folder / "train.yaml").read_text().replace("bf16: true", "bf16: false")
    (folder / "train.yaml").write_text(text)  # which asks for a GPU
    _, training, model, data = parser.parse_args_and_config(["--config", str(folder / "train.yaml")])
    assert training.output_dir == str(tmp_path / "models" / "r")
    assert model.model_name_or_path == str(tmp_path / "tiny")
    assert data.datasets[0].data_files == str(tmp_path / 'odd "name".jsonl')
    assert ClusterConfig.from_yaml_file(str(folder / "accelerate.yaml")).num_processes == 4


@fetched
@pytest.mark.parametrize("name", TRAINERS)
def test_what_is_written_of_a_trainer_is_so(name: str) -> None:
    assert set(written(name)["names"]) == TRAINERS[name]()


@fetched
def test_axolotl_takes_its_recipe(rendered: Callable[..., Any]) -> None:
    from axolotl.utils.schemas.config import AxolotlInputConfig

    _, folder = rendered("axolotl")
    config = AxolotlInputConfig.model_validate(yaml.safe_load((folder / "train.yaml").read_text()))
    assert config.datasets[0].roles_to_train == ["assistant"]


@fetched
def test_llama_factory_takes_its_recipe(rendered: Callable[..., Any]) -> None:
    from transformers import HfArgumentParser

    _, folder = rendered("llama_factory")
    config = {**yaml.safe_load((folder / "train.yaml").read_text()), "bf16": False, "use_cpu": True}
    _, data, training, *_ = HfArgumentParser(trainer_schemas.llama_factory_records()).parse_dict(config)
    assert data.dataset == list(json.loads((folder / "dataset_info.json").read_text()))
    assert data.dataset_dir == str(folder)
    assert training.do_train


@fetched
def test_verl_takes_its_recipe(rendered: Callable[..., Any], tmp_path: Path) -> None:
    arguments, _ = rendered("verl")
    config = trainer_schemas.verl_config(*overrides(arguments))
    assert config["model"]["path"] == str(tmp_path / "tiny")
    assert config["data"]["train_files"] == str(tmp_path / 'odd "name".jsonl')
