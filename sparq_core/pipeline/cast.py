"""
The cast of a run: plugins found, loaded, checked and called.

Installed is not active: a pipeline lists the plugins it uses, only those are imported, and one that cannot be used stops the
run before it spends anything.
"""

import importlib.util
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pluggy
from msgspec import Struct
from msgspec.structs import replace

from sparq_core import hookspecs
from sparq_core.contract.config import ROLES, Pipeline
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.pipeline.discovery import HOOKS, hooks_of, load_class
from sparq_core.pipeline.file import given
from sparq_core.pipeline.settings import config_of, convert, marked, options_of

T = TypeVar("T")
Caller = Callable[..., Any]
ONE_OWNER = ("select", "assess", "curate", "train")
NEEDED = {"load_seeds": "jsonl-seeds", "select": "static-uniform", "propose": "mutate", "verify": "sympy"}


class Member(Struct, frozen=True):
    """One plugin of the cast."""

    name: str
    place: str
    """Where the pipeline names it."""
    plugin: object
    config: Struct | None
    origin: str
    """The distribution and version it comes from, or the file."""

    def hooks(self) -> list[str]:
        return hooks_of(type(self.plugin))


def _check_hooks(plugin_class: type, use: str, place: str) -> None:
    """PipelineError where a class answers no hook, misspells one, or owns two that have one owner each."""
    unmarked = [h for h in HOOKS if callable(getattr(plugin_class, h, None)) and h not in hooks_of(plugin_class)]
    if unmarked:
        raise PipelineError(f"{place}: method '{unmarked[0]}' of '{use}' is named after a hook but lacks @hookimpl")
    if not hooks_of(plugin_class):
        raise PipelineError(f"{place}: plugin '{use}' answers no hook; its methods need a hook's name and @hookimpl")
    strangers = [n for n in vars(plugin_class) if n not in HOOKS and hasattr(vars(plugin_class)[n], "sparq_impl")]
    if strangers:
        raise PipelineError(f"{place}: '{use}' has a @hookimpl '{strangers[0]}'; {nearest(strangers[0], HOOKS)}")
    owned = [hook for hook in hooks_of(plugin_class) if hook in ONE_OWNER]
    if len(owned) > 1:
        raise PipelineError(f"{place}: plugin '{use}' answers {' and '.join(owned)}: split it, one such hook each")


def alone(use: str, settings: Sequence[str], hook: str, example: str) -> tuple[Member, Caller]:
    """One plugin outside a run, with `name=value` settings, and its answer to a hook; PipelineError where it has none."""
    member = _build(use, given(settings, "--option"), "--use", Path.cwd())
    callers = Cast([member]).each(hook)
    if not callers:
        raise PipelineError(f"--use {use}: it does not answer '{hook}'; e.g. {example} does")
    return callers[0]


def _build(use: str, options: Mapping[str, Any], place: str, base: Path) -> Member:
    plugin_class, origin = load_class(use, place, base)
    for module, install in getattr(plugin_class, "requires", {}).items():
        if importlib.util.find_spec(module) is None:
            raise PipelineError(f"{place}: plugin '{use}' needs the package '{module}': pip install '{install}'")
    _check_hooks(plugin_class, use, place)
    kind = config_of(plugin_class)
    if kind is None:
        if options:
            raise PipelineError(f"{place}.with: plugin '{use}' has no options")
        return Member(use, place, plugin_class(), None, origin)
    config = convert(_with_absolute_files(options, kind, base), kind, f"{place}.with")
    for option, path in marked(config, "file"):
        if not Path(path).exists():
            raise PipelineError(f"{place}.with.{option}: there is no file {path}")
    return Member(use, place, plugin_class(config), config, origin)


def _with_absolute_files(options: Mapping[str, Any], kind: type[Struct], base: Path) -> dict[str, Any]:
    files = {option.name for option in options_of(kind) if option.mark == "file"}

    def absolute(value: Any) -> Any:
        if isinstance(value, list):
            return [absolute(item) for item in value]
        return str((base / value).resolve()) if isinstance(value, str) else value

    return {name: absolute(value) if name in files else value for name, value in options.items()}


class Cast:
    """The plugins of one run in YAML order, with a typed way to call them."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = list(members)
        self._manager = pluggy.PluginManager("sparq")
        self._manager.add_hookspecs(hookspecs)
        for member in members:
            try:
                self._manager.register(member.plugin, name=member.name)
            except pluggy.PluginValidationError as error:
                raise PipelineError(f"{member.place}: plugin '{member.name}' does not fit its hook: {error}") from error
        self._callers = {hook: [(m, self._caller(hook, m)) for m in members if hook in m.hooks()] for hook in HOOKS}

    def _caller(self, hook: str, member: Member) -> Caller:
        others = [m.plugin for m in self.members if m is not member]
        relay = self._manager.subset_hook_caller(hook, remove_plugins=others)

        def call(**arguments: Any) -> Any:
            try:
                answers = relay(**arguments)
            except Exception as error:
                error.add_note(f"while plugin '{member.name}' ({member.place}) answered '{hook}'")
                raise
            return answers[0] if answers else None

        return call

    def each(self, hook: str) -> list[tuple[Member, Caller]]:
        """Who answers a hook, in YAML order."""
        return self._callers[hook]

    def owner(self, hook: str) -> tuple[Member, Caller] | None:
        """Who answers a one-owner hook, or None."""
        return self._callers[hook][0] if self._callers[hook] else None

    def asks(self, hook: str, argument: str) -> bool:
        """Whether somebody's answer to a hook names an argument."""
        return any(argument in answer.argnames for answer in getattr(self._manager.hook, hook).get_hookimpls())

    def member(self, name: str) -> Member:
        return next(m for m in self.members if m.name == name)

    def aligned(self, hook: str, member: Member, answer: Sequence[T] | None, count: int) -> Sequence[T]:
        """The answer of a batch hook, once its length is known to be right."""
        if answer is None or len(answer) != count:
            given = "nothing" if answer is None else f"{len(answer)} answers"
            raise ValueError(
                f"plugin '{member.name}' ({member.place}) answered '{hook}' with {given} for {count} items"
            )
        return answer


def load_cast(pipeline: Pipeline, base: Path) -> Cast:
    """
    Load every plugin a pipeline names and check that together they make a run.

    `base` is the folder relative paths start from. PipelineError for whatever does not fit.
    """
    members = [
        replace(_build(model.use, model.options, f"models.{name}", base), name=f"models.{name}")
        for name, model in pipeline.models.items()
    ]
    for i, entry in enumerate(pipeline.plugins):
        member = _build(entry.use, entry.options, f"plugins[{i}]", base)
        twins = sum(m.name.partition("#")[0] == member.name for m in members)
        members.append(replace(member, name=f"{member.name}#{twins + 1}") if twins else member)
    members += _default_assess(members, base)
    _check_owners(members)
    _check_models(pipeline, members)
    _check_roles(pipeline, members)
    return Cast(members)


def load_graders(pipeline: Pipeline, base: Path) -> Cast:
    """The plugins of a pipeline that verify and assess, alone."""
    members = []
    for i, entry in enumerate(pipeline.plugins):
        hooks = set(hooks_of(load_class(entry.use, f"plugins[{i}]", base)[0]))
        if hooks & {"verify", "assess"}:
            members.append(_build(entry.use, entry.options, f"plugins[{i}]", base))
    members += _default_assess(members, base)
    _check_owners(members, needed={"verify"})
    return Cast(members)


def _default_assess(members: Sequence[Member], base: Path) -> list[Member]:
    """The band, where no plugin assesses."""
    return [] if any("assess" in m.hooks() for m in members) else [_build("band", {}, "assess (by default)", base)]


def _check_owners(members: Sequence[Member], needed: Collection[str] = NEEDED) -> None:
    for hook in ONE_OWNER:
        owners = [m for m in members if hook in m.hooks()]
        if len(owners) > 1:
            names = " and ".join(f"'{m.name}' ({m.place})" for m in owners)
            raise PipelineError(f"only one plugin may {hook}, found {names}; remove one")
    answered = {hook for member in members for hook in member.hooks()}
    for hook, example in NEEDED.items():
        if hook in needed and hook not in answered:
            raise PipelineError(f"plugins: none of them answers '{hook}'; add one, e.g. {example}")
    if "train" in answered and "curate" not in answered:
        raise PipelineError("plugins: one answers 'train' but none 'curate'; add one, e.g. curate-band")


def _check_models(pipeline: Pipeline, members: Sequence[Member]) -> None:
    for member in members[: len(pipeline.models)]:
        if "sampler" not in member.hooks():
            raise PipelineError(f"{member.place}.use: plugin '{_use(member, pipeline)}' is no sampler; e.g. hf is one")
    roles = pipeline.cast_of_roles()
    for role, model in roles.items():
        if model not in pipeline.models:
            raise PipelineError(f"roles.{role}: no model is named '{model}'; {nearest(model, pipeline.models)}")
    solver = next((m for m in members if m.name == f"models.{roles.get('solver')}"), None)
    if solver and any("train" in m.hooks() for m in members) and not getattr(type(solver.plugin), "trainable", False):
        raise PipelineError(
            f"{solver.place}: a model served by '{_use(solver, pipeline)}' cannot be trained; leave the plugin out that "
            "answers 'train', or serve the solver from local weights (use: hf)"
        )


def _check_roles(pipeline: Pipeline, members: Sequence[Member]) -> None:
    roles = pipeline.cast_of_roles()
    asked = [("roles", "solver"), *(("train.updates", role) for role in pipeline.train.updates)]
    for member in members:
        asked += [(f"{member.place}.with.{option}", role) for option, role in marked(member.config, "role")]
    known = {*ROLES, *(role for _, role in asked)}
    for role in pipeline.roles:
        if role not in known:
            raise PipelineError(f"roles.{role}: nothing asks for this role; {nearest(role, sorted(known))}")
    for place, role in asked:
        if role not in roles:
            raise PipelineError(f"{place}: no model plays the role '{role}'; add it to roles ({nearest(role, roles)})")


def _use(member: Member, pipeline: Pipeline) -> str:
    return pipeline.models[member.name.removeprefix("models.")].use
