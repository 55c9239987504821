"""The pipeline that a profile amounts to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from sparq_core import hookspecs
from sparq_core.contract.config import LONGEST_NAME
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import absolute, kind_of, refusal
from sparq_core.contract.messages import shown
from sparq_core.pipeline.discovery import hooks_of, load_class
from sparq_core.pipeline.file import apply_override, given, pipeline_of, read_mapping
from sparq_core.pipeline.prepare import Prepared, fitted

FILES = (".jsonl", ".json", ".gz", ".parquet")
SOLVER = "solver"
"""The name of the model in its pipeline."""


class Asked(Struct, frozen=True, kw_only=True):
    """What a profile is of."""

    data: str
    """A file of JSON lines or Parquet, or a dataset that `datasets` loads."""
    options: Sequence[str] = ()
    """Of the plugin that reads it, as `name=value`."""
    attempts: int = 16
    policy: str | None = None
    """The plugin that decides how many of the attempts a row gets; all of them where there is none."""
    verifiers: Sequence[str] = ("sympy",)
    band: tuple[int, int] | None = None
    seed: int = 0
    overrides: Sequence[str] = ()
    """Settings of the pipeline, as `--set` has them."""


def models_of(given_models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The models that `--model` names, by names of their own for folders and columns."""
    found: dict[str, dict[str, Any]] = {}
    for text in given_models:
        model = _model_of(text)
        name = _name_of(str(model.get("model", "")))
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        found[next(each for each in names if each not in found)] = model
    return found


def _model_of(text: str) -> dict[str, Any]:
    place = f"--model {shown(text)}"
    if text.lstrip().startswith("{"):
        model = given([f"model={text}"], "--model")["model"]
        return _mapping(model, place)
    if text.endswith((".yaml", ".yml")):
        return read_mapping(Path(text), "a model", "give a file with `use` and `model`, or PLUGIN:MODEL")
    use, colon, model = text.partition(":")
    if not (use and colon and model):
        raise PipelineError(
            f"{place}: write it as PLUGIN:MODEL, such as hf:path/to/model or openai:gpt-5, as {{use: …, model: …}}, or name a "
            "YAML file with such a mapping"
        )
    return {"use": use, "model": model}


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PipelineError(f"{place}: a model is a mapping with `use` and `model`")
    return value


def _name_of(model: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-._")
    return name[:LONGEST_NAME] or "model"


def reader_of(data: str, options: Sequence[str]) -> dict[str, Any]:
    """The plugin that reads a dataset, every row kept whole; PipelineError where there is no such file."""
    path = Path(data)
    kind = kind_of(path)
    if kind == "file":
        use = "parquet-seeds" if path.suffix == ".parquet" else "jsonl-seeds"
        where = {"path": str(absolute(path))}
    elif kind == "special" or data.endswith(FILES) or (data.startswith((".", "/")) and kind != "folder"):
        raise PipelineError(f"{refusal(path) or 'there is no file'} {shown(data)}")
    else:
        use, where = "datasets-seeds", {"dataset": data}
    return {"use": use, "with": {**where, "extra": "row", **given(options, "--option")}}


def settings_of(asked: Asked, name: str, model: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline of one model, as its file would have it."""
    plan: dict[str, Any] = {
        "name": f"profile-{name}",
        "seed": asked.seed,
        "rounds": 0,
        "steps": 1,
        "models": {SOLVER: dict(model)},
        "attempts": {"k": asked.attempts, "seeds": True},
        "plugins": [
            reader_of(asked.data, asked.options),
            *map(_verifier, asked.verifiers),
            {"use": "band", **({"with": {"correct": list(asked.band)}} if asked.band else {})},
            *([{"use": asked.policy}] if asked.policy else []),
        ],
    }
    for override in asked.overrides:
        apply_override(plan, override)
    return plan


def _verifier(use: str) -> dict[str, Any]:
    """An entry of a plugin that checks; the seeds that a whole domain brings stay out of a profile."""
    brings = hookspecs.load_seeds.__name__ in hooks_of(load_class(use, f"--verify {shown(use)}", Path.cwd())[0])
    return {"use": use, **({"without": [hookspecs.load_seeds.__name__]} if brings else {})}


def text_of(plan: Mapping[str, Any]) -> str:
    """A pipeline as a file has it."""
    return yaml.safe_dump(dict(plan), sort_keys=False, allow_unicode=True)


def prepared(plan: dict[str, Any]) -> Prepared:
    """A pipeline made ready to run; paths start from where the command is."""
    return fitted(pipeline_of(plan, "the profile's pipeline"), Path.cwd(), text_of(plan))
