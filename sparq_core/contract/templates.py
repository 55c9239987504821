"""Prompts are templates in the pipeline: Jinja2, sandboxed, and an unknown name is an error."""

from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import SandboxedEnvironment

from sparq_core.contract.config import AttemptsConfig
from sparq_core.contract.errors import PipelineError
from sparq_core.contract.records import Problem

_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False)


@cache
def _compile(template: str) -> Template:
    return _ENVIRONMENT.from_string(template)


def check_template(template: str, place: str, *names: str) -> None:
    """
    PipelineError where a template is broken, leaves out the first of `names` or uses others; `place` is its option.
    """
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(template))
    except TemplateError as error:
        raise PipelineError(f"{place}: the template is broken: {error}") from error
    if unknown := sorted(used - set(names)):
        raise PipelineError(f"{place}: the template uses '{unknown[0]}'; it may use {' and '.join(names)}")
    if names[0] not in used:
        raise PipelineError(f"{place}: the template never uses '{names[0]}', so every prompt would be the same")


def render(template: str, place: str, **names: Any) -> str:
    """
    The template with its names filled in.

    `place` is the option it came from, for the message of the PipelineError that a broken template raises.
    """
    try:
        return _compile(template).render(**names)
    except TemplateError as error:
        raise PipelineError(
            f"{place}: the template cannot be rendered: {error} (names it may use: {', '.join(names)})"
        ) from error


def attempt_prompt(config: AttemptsConfig, problem: Problem) -> str:
    """What the solver is asked; also the user's turn of a training example."""
    return render(config.prompt, "attempts.prompt", problem=problem)
