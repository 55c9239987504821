"""Prompts are templates in the pipeline: Jinja2, sandboxed, and an unknown name is an error."""

import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import (
    StrictUndefined,
    Template,
    TemplateError,
    TemplateRuntimeError,
    TemplateSyntaxError,
    UndefinedError,
    meta,
    nodes,
)
from jinja2.utils import Namespace, missing

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.errors import PipelineError, nearest
from sparq_core.contract.records import Problem
from sparq_core.contract.sandbox import Sandbox


class NoAttributeError(UndefinedError):
    """A template asks for what nothing of its kind has, whatever the data."""


class Missing(StrictUndefined):
    """What a template asks for and does not get: its message says what there is."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: Any = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        if hint is None and obj is not missing:
            exc = UndefinedError if _holds_data(obj, name) else NoAttributeError
            hint = _hint(obj, name)
        super().__init__(hint, obj, name, exc)


class Anything:
    """Stands for data that only a run knows: it has every attribute and item, and nothing in it."""

    unsafe_callable = alters_data = False

    def __getattr__(self, name: str) -> "Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> "Anything":
        return self

    def __call__(self, *_: object, **__: object) -> "Anything":
        return self

    def __iter__(self) -> Iterator["Anything"]:
        return iter(())

    def __str__(self) -> str:
        return "…"


class Extra(dict[str, Any]):
    """The `extra` of a problem that is not there yet: every key of it stands for anything."""

    def __missing__(self, key: str) -> Anything:
        return Anything()


DUMMY_PROBLEM = Problem(
    id="1.1.0",
    statement="What is 2 + 2?",
    answer="4",
    solution="2 + 2 = \\boxed{4}",
    extra=Extra(),
    parents=("0.1.0",),
    operator="mutate",
    ordinal=0,
)
"""A problem to check a template against; its `extra` has every key."""
_WORD = re.compile(r"[\w-]+")
_ENVIRONMENT = Sandbox(undefined=Missing)
_BEYOND = (SyntaxError, RecursionError, MemoryError)
"""What a template raises that is nested too deeply or takes too much, whatever the data."""


@cache
def _compile(template: str) -> Template:
    return _ENVIRONMENT.template(template)


def named_template(given: str, presets: Mapping[str, str]) -> str:
    """
    The preset of this name, else the template as it was given; ValueError for a lone word that names no preset.

    A template uses some name in braces, so no word is one: it is either a preset or a slip.
    """
    if given in presets or not _WORD.fullmatch(given):
        return presets.get(given, given)
    raise ValueError(
        f"'{given}' is neither a preset nor a template (a template has names in {{{{ }}}}); {nearest(given, presets)}"
    )


def check_template(template: str, place: str, *names: str, **dummies: Any) -> None:
    """
    PipelineError where a template is broken, leaves out the first name it may use, uses others, or fails on the dummies.

    `place` is its option; the names are given with something that stands for them, as `problem=DUMMY_PROBLEM`, or alone. The
    template is rendered once: an attribute that is not there, an unknown filter and a wrong type are errors. What hangs on
    the data is not seen: branches that the dummies do not take, an answer that is missing, the fifth word of a statement, a
    division by a number in it; nor is a wrong type in a template that uses `extra` or a name given alone.
    """
    allowed = [*names, *dummies]
    tree, used = _parsed(template, place)
    if unknown := sorted(used - set(allowed)):
        raise PipelineError(f"{place}: the template uses '{unknown[0]}'; it may use {' and '.join(allowed)}")
    if allowed[0] not in used:
        raise PipelineError(f"{place}: the template never uses '{allowed[0]}', so every prompt would be the same")
    _try(template, place, {name: Anything() for name in names} | dummies, typed=not _is_open(tree, used & set(names)))


def template_names(template: str, place: str) -> set[str]:
    """The names that a template uses; PipelineError where it is broken. `place` is the option it came from."""
    return _parsed(template, place)[1]


def _parsed(template: str, place: str) -> tuple[nodes.Template, set[str]]:
    """A template and the names that it uses."""
    try:
        tree = _ENVIRONMENT.parse(template)
        return tree, meta.find_undeclared_variables(tree)  # which compiles it, so that unknown filters are found, too
    except (TemplateError, RecursionError) as error:
        raise PipelineError(f"{place}: the template is broken: {_told(error, template)}") from error


def _try(template: str, place: str, dummies: Mapping[str, Any], *, typed: bool) -> None:
    """Render a template against dummies; errors that other data would not give are passed over."""
    try:
        _ENVIRONMENT.rendered(_compile(template), **dummies)
    except (NoAttributeError, *_BEYOND) as error:
        raise PipelineError(f"{place}: the template cannot be rendered: {_told(error, template)}") from error
    except (UndefinedError, ValueError, ArithmeticError, LookupError):
        return
    except Exception as error:
        if typed or isinstance(error, TemplateError):
            raise PipelineError(f"{place}: the template cannot be rendered: {_told(error, template)}") from error


def _is_open(tree: nodes.Template, names: Collection[str]) -> bool:
    """Whether a template uses data of which nothing is known: some of these names, or an `extra`."""
    by_attribute = any(node.attr == "extra" for node in tree.find_all(nodes.Getattr))
    by_item = any(node.value == "extra" for node in tree.find_all(nodes.Const))
    return bool(names) or by_attribute or by_item


def render(template: str, place: str, **names: Any) -> str:
    """
    The template with its names filled in.

    `place` is the option it came from, for the message of the PipelineError that a broken template raises.
    """
    try:
        return _ENVIRONMENT.rendered(_compile(template), **names)
    except Exception as error:
        filled = [f"{name} {value.id}" for name, value in names.items() if isinstance(value, Problem)]
        of = f"filled with {', '.join(filled)}; " if filled else ""
        raise PipelineError(
            f"{place}: the template cannot be rendered: {_told(error, template)} ({of}names it may use: {', '.join(names)})"
        ) from error


def _told(error: Exception, template: str) -> str:
    """What went wrong, and of a template of several lines where."""
    told = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == "<template>"]
    line = error.lineno if isinstance(error, TemplateSyntaxError) else lines[-1] if lines else None
    return f"line {line} of it: {told}" if line and "\n" in template.strip() else told


def _holds_data(obj: Any, name: Any) -> bool:
    """Whether it is the data that decides if there is such a thing: an item, not an attribute."""
    by_number = isinstance(obj, str | list | tuple) and isinstance(name, int)
    return by_number or isinstance(obj, Mapping | Namespace | None)


def _hint(obj: Any, name: Any) -> str:
    if obj is None:
        return f"'{name}' is used on a value that is none; test the value first with {{% if … %}}"
    names = map(str, obj if isinstance(obj, Mapping) else dir(obj))
    return f"a {type(obj).__name__} has no '{name}'; {nearest(str(name), (n for n in names if not n.startswith('_')))}"


def attempt_prompt(config: AttemptsConfig, problem: Problem) -> str:
    """What the solver is asked; also the user's turn of a training example."""
    return render(config.prompt, "attempts.prompt", problem=problem)
