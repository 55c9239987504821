"""
The JSON Schema of pipelines: what the core takes, and the options of the plugins that are installed.

It says of a file what `sparq check` would say of its shape. What a shape cannot tell, whether files exist and plugins fit
together, is left to the command.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sparq_core import hookspecs
from sparq_core.contract.config import MODEL_NAME, ModelConfig, Pipeline, PluginConfig
from sparq_core.pipeline.catalogue import Entry

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "A pipeline of the SPARQ engine"
FILE = r"^(\.|/).*\.py:\w+$"
"""How a plugin in a file is written."""


def pipeline_schema(installed: Sequence[Entry]) -> Schema:
    """The schema of a pipeline whose plugins are among these, or in files."""
    readable = [each for each in installed if not each.broken]
    configs = [each.config for each in readable if each.config is not None]
    (top, *taken), parts = msgspec.json.schema_components(
        [Pipeline, *configs], ref_template="#/$defs/{name}", schema_hook=lambda _: {}
    )
    options = dict(zip(map(id, configs), taken, strict=True))
    for part in parts.values():
        _translate(part)
    samplers = [each for each in readable if hookspecs.sampler.__name__ in each.hooks]
    _offer(parts[ModelConfig.__name__], samplers, options)
    _offer(parts[PluginConfig.__name__], readable, options)
    schema: Schema = msgspec.json.decode(
        msgspec.json.encode({"$schema": DIALECT, "title": TITLE, **top, "$defs": parts})
    )
    return schema


def _offer(entry: Schema, plugins: Sequence[Entry], options: dict[int, Schema]) -> None:
    """Let an entry's `use` name one of these plugins, or a file's, and its `with` hold what that one takes."""
    names = [{"const": each.name, "description": each.line} for each in plugins]
    use = entry["properties"]["use"]
    entry["properties"]["use"] = {**use, "anyOf": [*names, {"pattern": FILE}]}
    entry["allOf"] = [
        {
            "if": {"properties": {"use": {"const": each.name}}, "required": ["use"]},
            "then": {"properties": {"with": options[id(each.config)] if each.config else {"maxProperties": 0}}},
        }
        for each in plugins
    ]


def _translate(part: Any) -> None:
    r"""
    From Python's notation of patterns to that of JSON Schema, in place, and as strict about names as the engine is.

    `\Z` is the end in Python alone; letters of every script, as in models' names, have no notation that all validators share.
    """
    if isinstance(part, dict):
        if part.get("pattern") == MODEL_NAME:
            del part["pattern"]
        elif isinstance(part.get("pattern"), str):
            part["pattern"] = part["pattern"].replace("\\Z", "$")
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            part.setdefault("additionalProperties", False)
    for inner in _inside(part):
        _translate(inner)


def _inside(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return part.values()
    return part if isinstance(part, list) else ()
