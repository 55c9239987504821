"""
What the trainers of `examples/recipes` know: the names of their settings, from their own code.

`python trainer_schemas.py` writes them into `plugins/command/schemas`, for tests where the trainers are not installed.
`make test-recipes` fetches them without what they depend on, and holds what is written there to them.
"""

import ast
import json
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "plugins" / "command" / "schemas"


def trl() -> set[str]:
    """The keys of its YAML file; those of accelerate's own, and of its section on FSDP, have a prefix."""
    from accelerate.commands.config.config_args import ClusterConfig
    from accelerate.commands.launch import launch_command_parser

    launch = (action.dest for action in launch_command_parser()._actions)
    accelerate = [*ClusterConfig.__dataclass_fields__, *(f"fsdp_config.{name}" for name in launch if "fsdp_" in name)]
    known = {name for kind in trl_records() for name in kind.__dataclass_fields__}
    return known | {f"accelerate.{name}" for name in accelerate}


def trl_records() -> list[Any]:
    """What it parses that file into."""
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig

    return [ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig]


def axolotl() -> set[str]:
    """The keys of its YAML file; those of `datasets` have the prefix."""
    from axolotl.utils.schemas.config import AxolotlInputConfig
    from axolotl.utils.schemas.datasets import SFTDataset

    inner = {f"datasets.{name}" for name in SFTDataset.model_fields}
    return set(AxolotlInputConfig.model_fields) | inner


def llama_factory() -> set[str]:
    """The keys of its YAML file, and of a dataset in its `dataset_info.json`, with that prefix."""
    tree = ast.parse((_source("llamafactory") / "data" / "parser.py").read_text())
    (record,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "DatasetAttr")
    inner = {ast.unparse(line.target) for line in record.body if isinstance(line, ast.AnnAssign)}
    inner |= {"file_name", "columns", "tags"}
    outer = {name for kind in llama_factory_records() for name in kind.__dataclass_fields__}
    return outer | {f"dataset_info.{name}" for name in inner}


def llama_factory_records() -> list[Any]:
    """What it parses that file into."""
    os.environ["DISABLE_VERSION_CHECK"] = "1"  # of packages that it is not installed with here
    from llamafactory.hparams import DataArguments, FinetuningArguments, GeneratingArguments, ModelArguments
    from llamafactory.hparams.training_args import TrainingArguments

    return [ModelArguments, DataArguments, TrainingArguments, FinetuningArguments, GeneratingArguments]


def verl() -> set[str]:
    """The settings of its SFT trainer, dotted."""
    return set(_dotted(verl_config()))


def verl_config(*overrides: str) -> dict[str, Any]:
    """Its configuration as Hydra composes it."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(_source("verl") / "trainer" / "config"), version_base=None):
        composed = compose("sft_trainer_engine", overrides=list(overrides))
    return dict(OmegaConf.to_container(composed))


def _dotted(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in config.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{name}.")


def unsloth() -> set[str]:
    """The parameters of the functions that a script calls, after their names."""
    source = _source("unsloth")
    functions = {
        ("models/loader.py", "FastLanguageModel", "from_pretrained"): "from_pretrained",
        ("models/llama.py", "FastLlamaModel", "get_peft_model"): "get_peft_model",
        ("save.py", None, "unsloth_save_pretrained_merged"): "save_pretrained_merged",
    }
    return {f"{called}.{name}" for where, called in functions.items() for name in _parameters(source, *where)}


def _parameters(source: Path, file: str, inside: str | None, function: str) -> list[str]:
    tree = ast.parse((source / file).read_text())
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == inside]
    for node in classes[0].body if classes else tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs) if argument.arg != "self"]
    raise LookupError(f"{file} has no {function}")


def _source(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


TRAINERS: dict[str, Callable[[], set[str]]] = {
    "trl": trl,
    "axolotl": axolotl,
    "llama_factory": llama_factory,
    "verl": verl,
    "unsloth": unsloth,
}
PACKAGES = {"trl": "trl", "axolotl": "axolotl", "llama_factory": "llamafactory", "verl": "verl", "unsloth": "unsloth"}


def written(trainer: str) -> dict[str, Any]:
    """What is written of a trainer: `version`, `licence`, `source` and the `names` of its settings."""
    return dict(json.loads((SCHEMAS / f"{trainer}.json").read_text()))


def main() -> None:
    for trainer, names in TRAINERS.items():
        told = metadata(PACKAGES[trainer])
        about = {"version": told["Version"], "licence": "Apache-2.0", "source": f"the wheel of {PACKAGES[trainer]}"}
        text = json.dumps({**about, "names": sorted(names())}, indent=0)
        (SCHEMAS / f"{trainer}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
