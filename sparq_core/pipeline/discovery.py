"""Plugins found among what is installed, loaded from a package or from one file, and made with their options."""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from sparq_core import hookspecs
from sparq_core.contract.elsewhere import fetched, is_elsewhere, local
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.files import absolute, kind_of, refusal
from sparq_core.contract.messages import raised, shown
from sparq_core.hookspecs import HOOKS, ONE_OWNER
from sparq_core.pipeline.compatibility import check_compatible
from sparq_core.pipeline.settings import config_of, convert, marked, options_of

PACKAGED = "package:"
"""What a file's path begins with that an installed package brings, as in `package:sparq_word_count/seeds.jsonl`."""
FAULTS = (Exception, SystemExit, GeneratorExit)
"""What a plugin's code may raise; Ctrl-C is the user's."""


class Member(Struct, frozen=True):
    """One plugin of the cast."""

    name: str
    place: str
    """Where the pipeline names it."""
    plugin: object
    config: Struct | None
    origin: str
    """The distribution and version it comes from, or the file."""
    without: tuple[str, ...] = ()
    """Hooks for which it is not asked, though it implements them."""

    def answers(self, *specs: Callable[..., Any]) -> bool:
        """Whether it answers one of these hooks."""
        return not {spec.__name__ for spec in specs}.isdisjoint(self.hooks())

    def hooks(self) -> list[str]:
        """The hooks it answers, by name."""
        return [hook for hook in hooks_of(type(self.plugin)) if hook not in self.without]

    def describes(self) -> tuple[str, ...] | None:
        """What it says it describes problems by; None where it does not say."""
        said = getattr(self.plugin, "describes", None)
        if said is None:
            return None
        return (said,) if isinstance(said, str) else tuple(said)


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
    if use not in known and ".py:" in use:
        raise PipelineError(f"{place}: no plugin named '{shown(use)}' is installed; for a file, write './{shown(use)}'")
    if use not in known:
        hint = (
            "if it is that of a project of yours, install that (pip install --editable FOLDER) with an entry point in its "
            f'pyproject.toml, [project.entry-points."sparq.plugins"]; {nearest(use, known)}'
        )
        raise PipelineError(f"{place}: no plugin named '{shown(use)}' is installed; {hint}")
    check_compatible(known[use].dist, use, place)
    try:
        plugin = known[use].load()
    except FAULTS as error:
        raise PipelineError(
            f"{place}: plugin '{use}' of {origin_of(known[use])} cannot be imported: {raised(error)}"
        ) from error
    return plugin, origin_of(known[use])


def _load_file(use: str, place: str, base: Path) -> tuple[type, str]:
    file, _, name = use.rpartition(":")
    path = absolute(base / file)
    if file.endswith(".py") and kind_of(path) != "file":
        raise PipelineError(f"{place}: {refusal(path) or 'it is a folder, not a file:'} {shown(path)}")
    if not file.endswith(".py"):
        raise PipelineError(f"{place}: '{shown(use)}' must name a Python file and a class in it: ./file.py:Class")
    spec = importlib.util.spec_from_file_location(f"sparq_local_{path.stem}", path)
    assert spec is not None  # noqa: S101 -- a .py file always has one
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        exec(compile(path.read_bytes(), path, "exec"), vars(module))  # noqa: S102 -- as an import, but never of stale bytecode
    except FAULTS as error:
        raise PipelineError(f"{place}: {path} cannot be imported: {raised(error)}") from error
    if not isinstance(getattr(module, name, None), type):
        raise PipelineError(f"{place}: {path} has no class '{name}'")
    return getattr(module, name), str(path)


def build(
    use: str, options: Mapping[str, Any], place: str, base: Path, given_by: str = "", without: Sequence[str] = ()
) -> Member:
    """
    The plugin that `use` names, made with its options; PipelineError for whatever is wrong with either.

    `given_by` is what the options are given by where that is not the pipeline, `without` the hooks for which it is not asked.
    """
    plugin_class, origin = load_class(use, place, base)
    for module, install in getattr(plugin_class, "requires", {}).items():
        if importlib.util.find_spec(module) is None:
            raise PipelineError(f"{place}: plugin '{use}' needs the package '{module}': pip install '{install}'")
    check_hooks(plugin_class, use, place)
    config = _config(plugin_class, use, options, given_by or f"{place}.with", base)
    try:
        plugin = plugin_class() if config is None else plugin_class(config)
    except PipelineError:
        raise
    except FAULTS as error:
        raise PipelineError(f"{place}: plugin '{use}' cannot be created: {raised(error)}") from error
    answered = hooks_of(plugin_class)
    for hook in without:
        if hook not in answered:
            raise PipelineError(
                f"{place}.without: '{use}' does not implement '{shown(hook)}'; {nearest(hook, answered)}"
            )
    return Member(use, place, plugin, config, origin, tuple(without))


def check_hooks(plugin_class: type, use: str, place: str) -> None:
    """PipelineError where a class answers no hook, misspells one, or owns two that have one owner each."""
    answered = hooks_of(plugin_class)
    unmarked = [h for h in HOOKS if callable(getattr(plugin_class, h, None)) and h not in answered]
    if unmarked:
        raise PipelineError(f"{place}: method '{unmarked[0]}' of '{use}' is named after a hook but lacks @hookimpl")
    strangers = [n for n in vars(plugin_class) if n not in HOOKS and hasattr(vars(plugin_class)[n], "sparq_impl")]
    if strangers:
        raise PipelineError(f"{place}: '{use}' has a @hookimpl '{strangers[0]}'; {nearest(strangers[0], HOOKS)}")
    if not answered:
        raise PipelineError(
            f"{place}: plugin '{use}' implements no hook; its methods need the name of a hook and @hookimpl"
        )
    for hook in answered:
        _check_method(plugin_class, hook, f"{place}: `{hook}` of '{use}'")
    owned = [spec.__name__ for spec in ONE_OWNER if spec.__name__ in answered]
    if len(owned) > 1:
        raise PipelineError(
            f"{place}: plugin '{use}' implements {' and '.join(owned)}: split it into one plugin for each"
        )


def _check_method(plugin_class: type, hook: str, what: str) -> None:
    """PipelineError where a hook is not written as an ordinary method."""
    method = inspect.getattr_static(plugin_class, hook)
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise PipelineError(f"{what} is async; hooks are called as ordinary methods")
    given = inspect.signature(getattr(hookspecs, hook)).parameters
    if inspect.isfunction(method) and next(iter(inspect.signature(method).parameters), "") in {"", *given}:
        raise PipelineError(f"{what} lacks `self` as its first parameter")


def _config(plugin_class: type, use: str, options: Mapping[str, Any], place: str, base: Path) -> Struct | None:
    kind = config_of(plugin_class, place.removesuffix(".with"))
    if kind is None:
        if options:
            raise PipelineError(
                f"{place}: plugin '{use}' has no options; to have some, its constructor takes one argument of a type with "
                "fields, such as `config: MyConfig` for a `class MyConfig(msgspec.Struct)`"
            )
        return None
    config = convert(_with_absolute_files(options, kind, place, base), kind, place)
    for option, path in marked(config, "file"):
        if refused := refusal(Path(path)):
            default = next((field.default for field in fields(kind) if field.encode_name == option), "")
            packaged = str(options.get(option, default)).startswith(PACKAGED)
            remedy = "; an editable install has only the files inside the package's own folder" if packaged else ""
            raise PipelineError(f"{place}.{option}: {refused} {shown(path)}{remedy}")
    return config


def _with_absolute_files(options: Mapping[str, Any], kind: type[Struct], place: str, base: Path) -> dict[str, Any]:
    files = {option.name for option in options_of(kind) if option.mark == "file"}
    defaults = {field.encode_name: field.default for field in fields(kind) if isinstance(field.default, str)}
    options = {name: path for name, path in defaults.items() if name in files} | dict(options)

    def placed(option: str, value: Any) -> Any:
        if isinstance(value, list):
            return [placed(option, item) for item in value]
        if isinstance(value, str) and value.startswith(PACKAGED):
            return str(_packaged(value, f"{place}.{option}"))
        if isinstance(value, str) and is_elsewhere(value):
            return str(fetched(value, f"{place}.{option}"))
        return str(absolute(base / local(value))) if isinstance(value, str) else value

    return {name: placed(name, value) if name in files else value for name, value in options.items()}


def _packaged(value: str, place: str) -> Path:
    """Where an installed package has a file; the package is not imported. PipelineError where there is none of this name."""
    package, _, file = value.removeprefix(PACKAGED).partition("/")
    known = package.isidentifier() and package != "__main__"
    found = importlib.util.find_spec(package) if known else None
    if found is None or not found.submodule_search_locations:
        raise PipelineError(
            f"{place}: no package {shown(package)} is installed; install it, or give a path without '{PACKAGED}'"
        )
    return absolute(Path(found.submodule_search_locations[0]) / file)
