"""What is known of a plugin without making it: what it is for, what it answers, takes and comes from."""

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from msgspec import Struct

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError
from sparq_core.hookspecs import HOOKS
from sparq_core.pipeline.compatibility import engine_range
from sparq_core.pipeline.discovery import hooks_of, installed, load_class, origin_of
from sparq_core.pipeline.settings import Option, all_options, config_of

BESIDE = {
    spec.__name__
    for spec in (hookspecs.check, hookspecs.start, hookspecs.commit, hookspecs.benchmark_texts, hookspecs.stop)
}
"""Hooks that most plugins answer for the sake of another."""


class Entry(Struct, frozen=True, kw_only=True):
    """One plugin as it is listed."""

    name: str
    origin: str
    """The distribution and its version, or the file."""
    distribution: str | None = None
    version: str | None = None
    homepage: str | None = None
    engine: str | None = None
    """The releases of the engine that its distribution says it works with."""
    meaning: str = ""
    """Its docstring."""
    hooks: Sequence[str] = ()
    options: Sequence[Option] = ()
    config: type[Struct] | None = None
    broken: str = ""
    """Why nothing else is known of it; empty where it can be imported."""

    @property
    def line(self) -> str:
        """What it is for, in its docstring's first sentence."""
        first = " ".join(self.meaning.partition("\n\n")[0].split())
        return self.broken or re.split(r"\.\s+(?=[A-Z`])", first)[0].removesuffix(".")

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "name": self.name,
            "meaning": self.meaning,
            "hooks": list(self.hooks),
            "options": [_option(option) for option in self.options],
            "distribution": self.distribution,
            "version": self.version,
            "homepage": self.homepage,
            "engine": self.engine,
            "origin": self.origin,
            **({"broken": self.broken} if self.broken else {}),
        }


def _option(option: Option) -> dict[str, Any]:
    required = option.default == "required"
    default = {} if required else {"default": json.loads(option.default)}
    return {"name": option.name, "type": option.type, "required": required, **default, "meaning": option.description}


def entry(use: str, base: Path) -> Entry:
    """What is known of the plugin that `use` names; PipelineError where it cannot be had."""
    plugin, origin = load_class(use, "plugins", base)
    config = config_of(plugin, "plugins")
    found = installed().get(use)
    dist = found.dist if found else None
    return Entry(
        name=use,
        origin=origin,
        distribution=dist.name if dist else None,
        version=dist.version if dist else None,
        homepage=_homepage(dist) if dist else None,
        engine=engine_range(dist) if dist else None,
        meaning=inspect.getdoc(plugin) or "",
        hooks=hooks_of(plugin),
        options=list(all_options(config)) if config else (),
        config=config,
    )


def entries() -> list[Entry]:
    """All installed plugins by name; one that cannot be imported says why."""
    return [_or_broken(name) for name in sorted(installed())]


def _or_broken(name: str) -> Entry:
    try:
        return entry(name, Path.cwd())
    except PipelineError as error:
        return Entry(name=name, origin=origin_of(installed()[name]), broken=str(error))


def _homepage(dist: Distribution) -> str | None:
    urls = dict(line.split(", ", 1) for line in dist.metadata.get_all("Project-URL") or () if ", " in line)
    named = {label.casefold(): url for label, url in urls.items()}
    return next(
        (named[label] for label in ("homepage", "repository", "source", "documentation") if label in named), None
    )


def by_hook(listed: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The plugins under each hook that they are for, in the order of a run; under the empty name those that answer none."""
    groups: dict[str, list[Entry]] = {hook: [] for hook in (*HOOKS, "")}
    for each in listed:
        for hook in [hook for hook in each.hooks if hook not in BESIDE] or each.hooks or [""]:
            groups[hook].append(each)
    return {hook: plugins for hook, plugins in groups.items() if plugins}
