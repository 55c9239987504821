"""What cards tell of a run: its models with their licences, and its plugins."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from sparq_core.contract.errors import PipelineError
from sparq_core.contract.files import read_text
from sparq_core.ledger.reader import Reader
from sparq_core.ledger.spread import cast
from sparq_core.pipeline.prepare import model_path

LARGEST_CARD = 2**20
_HEAD = re.compile(r"\s*---\n(.*?)\n---\n", re.DOTALL)
_LICENCE = re.compile(r"[\w.+-]{1,64}\Z")
_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}\Z")


class ModelFacts(NamedTuple):
    """A model of a run, without what only its own machine knows, such as the folder it lies in."""

    name: str
    """As the Hub or a server knows it; of a local folder, its last part."""
    hub_id: str | None
    """Where it may be on the Hub."""
    roles: list[str]
    weights: str
    """Their digest."""
    licence: str | None
    """As the model's own card has it; None where no card is at hand."""


class Used(NamedTuple):
    """A plugin of a run."""

    name: str
    distribution: str
    """With its version."""
    options: dict[str, object]
    """Those that are numbers or switches: texts may name files and secrets."""


def models_of(ledger: Reader, folder: Path) -> list[ModelFacts]:
    """The models of a run, in the order of the pipeline."""
    run, pipeline = ledger.run(), ledger.pipeline()
    weights = msgspec.json.decode(run.identity or "{}").get("models", {})
    roles = pipeline.cast_of_roles()
    return [
        model_facts(
            config.model,
            run.base_or(folder),
            [role for role, player in roles.items() if player == name],
            str(weights.get(name, {}).get("weights") or ""),
        )
        for name, config in pipeline.models.items()
    ]


def model_facts(model: str, base: Path, roles: list[str], weights: str) -> ModelFacts:
    """A model as a pipeline in the folder `base` names it."""
    try:
        path = Path(model_path(model, base))
    except PipelineError:  # a folder that is gone
        return ModelFacts(Path(model).name, None, roles, weights, None)
    if path.is_dir():
        return ModelFacts(Path(model).name, None, roles, weights, licence_of(path / "README.md"))
    return ModelFacts(model, model if _HUB_ID.match(model) else None, roles, weights, _cached_licence(model))


def _cached_licence(model: str) -> str | None:
    """The licence of a model of the Hub, where its card was downloaded; nothing is asked of the Hub."""
    if not _HUB_ID.match(model):
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    card = try_to_load_from_cache(model, "README.md")
    return licence_of(Path(card)) if isinstance(card, str) else None


def head_of(card: Path) -> dict[str, Any]:
    """The head of a card; empty where there is none that can be read."""
    try:
        head = _HEAD.match(read_text(card, LARGEST_CARD))
        found = yaml.safe_load(head[1]) if head else None
    except (PipelineError, yaml.YAMLError, RecursionError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def licence_of(card: Path) -> str | None:
    """The licence that the head of a card names."""
    licence = head_of(card).get("license")
    return licence if isinstance(licence, str) and _LICENCE.match(licence) else None


def plugins_of(ledger: Reader) -> list[Used]:
    """The plugins of a run, in the order of the pipeline."""
    versions = cast(ledger)
    return [
        Used(_shown(entry.use), versions.get(entry.use, "a file of its own"), _plain(entry.options))
        for entry in ledger.pipeline().plugins
    ]


def _shown(use: str) -> str:
    """A plugin's name; of one in a file, without the folders above it."""
    return Path(use).name if use.startswith(".") else use


def _plain(options: Mapping[str, Any]) -> dict[str, object]:
    return {name: value for name, value in options.items() if isinstance(value, bool | int | float)}
