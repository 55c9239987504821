"""Plugins found among what is installed, and loaded from packages or from one file."""

import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from sparq_core import hookspecs
from sparq_core.contract.errors import PipelineError, nearest

HOOKS = tuple(name for name, spec in vars(hookspecs).items() if hasattr(spec, "sparq_spec"))


def hooks_of(plugin: type) -> list[str]:
    """The hooks a plugin class answers, in the order of the hook specs."""
    return [hook for hook in HOOKS if hasattr(getattr(plugin, hook, None), "sparq_impl")]


def installed() -> dict[str, EntryPoint]:
    """All installed plugins by name, none of them imported; PipelineError where two packages claim one name."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group="sparq.plugins"):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise PipelineError(
                f"two installed packages offer a plugin '{entry.name}': {origin_of(other)} and {origin_of(entry)}; "
                "uninstall one"
            )
    return found


def origin_of(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def load_class(use: str, place: str, base: Path) -> tuple[type, str]:
    """The plugin class that `use` names, and where it comes from."""
    if use.startswith((".", "/")):
        return _load_file(use, place, base)
    known = installed()
    if use not in known:
        raise PipelineError(f"{place}: no plugin named '{use}' is installed; {nearest(use, known)}")
    try:
        plugin = known[use].load()
    except Exception as error:
        raise PipelineError(
            f"{place}: plugin '{use}' of {origin_of(known[use])} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    return plugin, origin_of(known[use])


def _load_file(use: str, place: str, base: Path) -> tuple[type, str]:
    file, _, name = use.rpartition(":")
    path = (base / file).resolve()
    if file.endswith(".py") and not path.is_file():
        raise PipelineError(f"{place}: there is no file {path}")
    if not file.endswith(".py"):
        raise PipelineError(f"{place}: '{use}' must name a Python file and a class in it: ./file.py:Class")
    spec = importlib.util.spec_from_file_location(f"sparq_local_{path.stem}", path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 -- a .py file always has both
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PipelineError(f"{place}: {path} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(getattr(module, name, None), type):
        raise PipelineError(f"{place}: {path} has no class '{name}'")
    return getattr(module, name), str(path)
