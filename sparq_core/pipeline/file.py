"""From a YAML file to a typed record, with errors that name the place, the thing and the remedy."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparq_core.contract.config import Pipeline
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.files import DEEPEST, read_text
from sparq_core.contract.messages import shown
from sparq_core.ledger.migration import POLICY_SETTINGS, policy_line
from sparq_core.pipeline.notation import values_in
from sparq_core.pipeline.settings import T, convert

LARGEST = 1 << 18
"""Bytes of a pipeline, a study file or a chat template; with large prompts one comes to some ten thousand."""


def load_pipeline(path: Path, overrides: Sequence[str] = ()) -> Pipeline:
    """Read a pipeline file and apply `a.b=c` overrides to it; PipelineError for whatever is wrong with either."""
    data = read_mapping(path, "a pipeline", "`sparq init` writes a starter pipeline")
    for override in overrides:
        apply_override(data, override)
    return pipeline_of(data, str(path))


def read_mapping(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The mapping of settings in a YAML file, not yet checked; `what` it should be and a `remedy` where it is not there."""
    return mapping_in(read_text(path, LARGEST, remedy), shown(path), what)


def mapping_in(text: str, place: str, what: str = "a pipeline") -> dict[str, Any]:
    """The mapping of settings that a text in YAML holds, not yet checked; `place` leads the PipelineError where it is none."""
    data = values_in(text, place)
    if not isinstance(data, dict):
        raise PipelineError(f"{place}: {what} is a mapping of settings, this is {_kind(data)}")
    return data


def pipeline_of(data: dict[str, Any], place: str) -> Pipeline:
    """Settings as a pipeline; PipelineError, led by `place`, for whatever is wrong with them."""
    _refuse_moved(data, place)
    return convert(data, Pipeline, place)


def _refuse_moved(data: dict[str, Any], place: str) -> None:
    """PipelineError for what stood under `attempts` before ledgers of format 3, with the line that stands for it now."""
    attempts = data.get("attempts")
    old = [name for name in POLICY_SETTINGS if isinstance(attempts, dict) and name in attempts]
    if not old:
        return
    line = policy_line(data["attempts"])
    remedy = f", and add this line to plugins: {json.dumps(line)}" if line else ""
    raise PipelineError(
        f"{place}: attempts.{old[0]}: the number of attempts is decided by a plugin now; remove {', '.join(old)} from "
        f"attempts{remedy}"
    )


def apply_override(data: dict[str, Any], override: str, option: str = "--set") -> None:
    """
    Set one value in place: `attempts.k=8`, `plugins.sft.with.learning_rate=1e-4`.

    A plugin is named by its `use`, by the class where that is a file's, or by its index; what is missing on the way is made.
    """
    path, equals, text = override.partition("=")
    place = f"{option} {shown(override)}"
    if not equals or not path:
        raise PipelineError(f"{place}: write it as name=value")
    apply_setting(data, path, values_in(text, f"{place}: the value"), place)


def apply_setting(data: dict[str, Any], path: str, value: Any, place: str) -> None:
    """Set one value in place by its `path`, as `apply_override` does; `place` leads the message of an error."""
    *way, last = _segments(path)
    if len(way) >= DEEPEST:
        raise PipelineError(f"{place}: its path is longer than {DEEPEST} names, more than any setting has")
    node: Any = data
    for name in way:
        node = node[_index(node, name, place)] if isinstance(node, list) else node.setdefault(name, {})
        if not isinstance(node, dict | list):
            raise PipelineError(f"{place}: '{name}' is a value, not a mapping of settings")
    node[_index(node, last, place) if isinstance(node, list) else last] = value


def _segments(path: str) -> list[str]:
    """The names on the way to a setting: `plugins[4].with.k` as `plugins.4.with.k`, and a file's `use` is one of them."""
    file = re.search(r"(?<=^plugins\.)\.{0,2}/.*?\.py:\w+", path)
    whole = path.replace(file[0], "\x00") if file else path
    return [file[0] if file and name == "\x00" else name for name in re.sub(r"\[(\d+)\]", r".\1", whole).split(".")]


def from_settings(settings: Sequence[str], kind: type[T], option: str) -> T:
    """Typed options from `name=value` settings of a command, with `option`'s name in errors; PipelineError for a wrong one."""
    return convert(given(settings, option), kind, option)


def given(settings: Sequence[str], option: str) -> dict[str, Any]:
    """Options from `name=value` settings, not yet checked."""
    data: dict[str, Any] = {}
    for setting in settings:
        apply_override(data, setting, option)
    return data


def _index(entries: list[Any], name: str, place: str) -> int:
    uses = [str(entry.get("use")) if isinstance(entry, dict) else "" for entry in entries]
    for names in (uses, [use.rpartition(":")[2] for use in uses]):
        if name in names:
            return names.index(name)
    if name.isdecimal() and len(name) <= len(str(len(entries))) and int(name) < len(entries):
        return int(name)
    places = f"0 to {len(uses) - 1}" if uses else "there is none"
    hint = nearest(name, [use for use in uses if use])
    raise PipelineError(f"{place}: no entry '{shown(name)}' here; {hint}, or its place ({places})")


def _kind(data: Any) -> str:
    return "empty" if data is None else f"a {type(data).__name__}"
